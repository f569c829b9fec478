/**
 * A program that stands for the host of a VM on a network of IPv6 alone: Nova's metadata service at the link-local address that Neutron gives
 * it (https://docs.openstack.org/neutron/latest/contributor/internals/metadata_service.html: `fe80::a9fe:a9fe`, port 80), and a Keystone and
 * Neutron that know one port and no router. Each request is a line on standard output.
 *
 *     deno run --allow-net link_local_host.ts DEVICE ADDRESS
 *
 * @module
 */

const [device = "", address = ""] = Deno.args;
const port = 5000;

const documents: Readonly<Record<string, unknown>> = {
  "/openstack/latest/meta_data.json": { uuid: "vm-1" },
  "/openstack/latest/network_data.json": { links: [{ vif_id: "port-1" }] },
};

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

function log(request: Request, at: string): void {
  const { pathname, search } = new URL(request.url);
  say(`${at} ${request.method} ${pathname}${search} ${request.headers.get("host")}`);
}

Deno.serve({ hostname: `fe80::a9fe:a9fe%${device}`, port: 80, onListen: () => {} }, (request) => {
  log(request, "metadata");
  const found = documents[new URL(request.url).pathname];
  return found === undefined ? new Response(null, { status: 404 }) : Response.json(found);
});

Deno.serve({ hostname: address, port, onListen: () => say("ready") }, (request) => {
  log(request, "api");
  const url = `http://[${address}]:${port}`;
  if (new URL(request.url).pathname !== "/v3/auth/tokens") return new Response(null, { status: 404 });
  const token = {
    expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    project: { id: "p1" },
    catalog: [{ type: "network", endpoints: [{ interface: "public", region_id: "one", url }] }],
  };
  return Response.json({ token }, { status: 201, headers: { "x-subject-token": "t" } });
});
