/** Where nothing listens, so that connections are refused: `127.0.0.1:PORT`. */
export function closedPort(): string {
  const probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = probe.addr;
  probe.close();
  return `127.0.0.1:${port}`;
}
