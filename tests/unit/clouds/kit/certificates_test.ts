import assert from "node:assert/strict";
import { readCertificates } from "../../../../src/clouds/kit/certificates.ts";
import { CloudError } from "../../../../src/clouds/cloud_error.ts";

const pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const files: Readonly<Record<string, string>> = { "/a.pem": pem, "/b.pem": `b ${pem}`, "/empty.pem": "" };

function read(variables: Readonly<Record<string, string>>): readonly string[] {
  return readCertificates(Object.keys(variables), {
    environment: (name) => variables[name],
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw new Error("No such file or directory (os error 2)");
      return text;
    },
  });
}

Deno.test("readCertificates() reads each file that a variable names, once", () => {
  assert.deepEqual(read({ A: "/a.pem", B: "/b.pem", C: "/a.pem", D: "" }), [pem, `b ${pem}`]);
  assert.deepEqual(read({}), []);
});

Deno.test("readCertificates() names variable, file and reason where a file is of no use", () => {
  const wrong: readonly (readonly [string, string])[] = [
    [
      "/none.pem",
      'Cannot read the certificates "/none.pem" that SSL_CERT_FILE names: No such file or directory (os error 2)',
    ],
    [
      "/empty.pem",
      'Cannot use the certificates of "/empty.pem" (SSL_CERT_FILE): the file holds none in PEM form',
    ],
  ];
  for (const [path, message] of wrong) {
    assert.throws(
      () => read({ SSL_CERT_FILE: path }),
      (error) => error instanceof CloudError && error.kind === "invalid" && error.message === message,
    );
  }
});
