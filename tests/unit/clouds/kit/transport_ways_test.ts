/** Which way the transport takes: past or through a proxy, and whom it trusts. On real sockets. */

import assert from "node:assert/strict";
import { isMetadataAddress } from "../../../../src/clouds/kit/metadata_address.ts";
import { proxyVariables } from "../../../../src/clouds/kit/proxy_variables.ts";
import { Transport } from "../../../../src/clouds/kit/transport.ts";
import { makeCertificates, opensslMissing } from "../../../fakes/certificates.ts";
import { ForwardProxy } from "../../../fakes/forward_proxy.ts";
import { sendWith, type SentRequest } from "../../../fakes/sender.ts";
import { skips } from "../../../needs.ts";
import { inTemporaryFolder } from "../../../fakes/temporary_folder.ts";

const request = {
  method: "GET",
  headers: {},
  timeoutMs: 10_000,
  signal: new AbortController().signal,
};

function serve(hostname = "127.0.0.1"): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname, port: 0, onListen: () => {} }, () => new Response("hello"));
}

/** What a proxy is asked for when these variables are set and these are sent; left out: one request past all metadata services. */
async function askedOfProxy(
  variables: (proxy: string) => Readonly<Record<string, string>>,
  ...sent: readonly Partial<SentRequest>[]
): Promise<readonly string[]> {
  await using proxy = await ForwardProxy.start();
  await using server = serve();
  const own = { url: `http://127.0.0.1:${server.addr.port}/x` };
  const requests = sent.length === 0 ? [own] : sent.map((request) => ({ ...own, ...request }));
  await sendWith(variables(proxy.url), requests);
  return proxy.asked.map((line) => line.replace(/:[0-9]+(?=\/|$)/, ""));
}

Deno.test("send() goes through the proxy that the environment names, in either case", async () => {
  for (const name of ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]) {
    assert.deepEqual(await askedOfProxy((url) => ({ [name]: url })), ["GET http://127.0.0.1/x"], name);
  }
  for (const name of ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]) {
    const sent = { url: "https://127.0.0.1:4430/x" };
    assert.deepEqual(await askedOfProxy((url) => ({ [name]: url }), sent), ["CONNECT 127.0.0.1"], name);
  }
});

Deno.test("send() goes past the proxy for what NO_PROXY names, in either case", async () => {
  for (const name of ["NO_PROXY", "no_proxy"]) {
    for (const value of ["127.0.0.1", "example.org, 127.0.0.0/8", "*"]) {
      assert.deepEqual(await askedOfProxy((url) => ({ HTTP_PROXY: url, [name]: value })), [], value);
    }
    assert.equal((await askedOfProxy((url) => ({ HTTP_PROXY: url, [name]: "10.0.0.0/8" }))).length, 1);
  }
});

Deno.test("send() never asks a proxy for a metadata service, whatever the variables say", async () => {
  const everything = (url: string): Record<string, string> =>
    Object.fromEntries(proxyVariables.filter((name) => !/no_/i.test(name)).map((name) => [name, url]));
  const hosts = ["169.254.169.254", "[fd00:ec2::254]", "169.254.170.23", "metadata.google.internal"];
  const requests = hosts.map((host) => ({ url: `http://${host}/`, timeoutMs: 50 }));
  assert.deepEqual(await askedOfProxy(everything, ...requests, { direct: true }), []);
  assert.equal((await askedOfProxy(everything)).length, 1);
});

Deno.test("isMetadataAddress() knows the addresses of each cloud, however they are written", () => {
  const addresses = [
    "169.254.169.254",
    "169.254.169.254:80",
    "0xa9fea9fe",
    "169.254.170.2",
    "169.254.170.23",
    "[fd00:ec2::254]",
    "[FD00:0EC2::0254]:80",
    "[fd00:ec2::23]",
    "[fd20:ce::254]",
    "[fe80::a9fe:a9fe]",
    "metadata.google.internal",
    "Metadata.Google.Internal.",
  ];
  for (const address of addresses) assert.ok(isMetadataAddress(new URL(`http://${address}/`)), address);
  const others = [
    "169.253.169.254",
    "10.0.0.1",
    "[fd00:ec3::254]",
    "[::1]",
    "metadata.example.org",
    "169.254.example.org",
  ];
  for (const address of others) assert.ok(!isMetadataAddress(new URL(`http://${address}/`)), address);
});

Deno.test({
  name: "send() trusts a private authority where it is told to, also at an IPv6 address, and nowhere else",
  ignore: skips(opensslMissing()),
  fn: async () => {
    await inTemporaryFolder(async (folder) => {
      const { authority, certificate: cert, key } = await makeCertificates(folder);
      for (const hostname of ["127.0.0.1", "::1"]) {
        const options = { hostname, port: 0, cert, key, onListen: (): void => {} };
        await using server = Deno.serve(options, () => new Response("hello"));
        const host = hostname.includes(":") ? `[${hostname}]` : hostname;
        const sent = { ...request, url: `https://${host}:${server.addr.port}/` };
        using stranger = new Transport();
        await assert.rejects(stranger.send(sent), /TransportError: invalid peer certificate.* \(GET https:/);
        using trusting = stranger.trusting([authority]);
        assert.equal((await trusting.send(sent)).status, 200);
      }
    });
  },
});
