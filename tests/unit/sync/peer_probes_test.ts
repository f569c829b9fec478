import assert from "node:assert/strict";
import { type IpAddress, parseAddress } from "../../../src/routes/prefix.ts";
import { PeerProbes } from "../../../src/sync/peer_probes.ts";
import { peerStatuses } from "../../../src/sync/peer_status.ts";
import { captureLog } from "../../fakes/captured_log.ts";
import { VirtualClock } from "../../model/virtual_clock.ts";

const [first, second] = ["10.0.0.5", "10.0.0.6"] as const;

/** Probes of two peers, which answer as long as they are in `there`. */
class Scene {
  readonly clock = new VirtualClock(() => 0.5);
  readonly there = new Set<string>([first, second]);
  peers: readonly IpAddress[] = [first, second].map(parseAddress);
  error: Error | null = null;
  asked = 0;
  hints = 0;
  readonly probes = new PeerProbes({
    probe: {
      name: "tcp:179",
      ask: ({ text }) => {
        this.asked++;
        return this.error === null ? Promise.resolve(this.there.has(text)) : Promise.reject(this.error);
      },
    },
    peers: () => this.peers,
    onHint: () => this.hints++,
    clock: this.clock,
  });

  async run(play: () => Promise<void>): Promise<void> {
    const stop = new AbortController();
    const ended = this.probes.run(stop.signal);
    await play();
    stop.abort(new Error("told to stop"));
    await this.clock.advance(2_000);
    await ended;
  }

  get answers(): readonly (boolean | null)[] {
    return [first, second].map((peer) => this.probes.of(peer)?.answers ?? null);
  }
}

Deno.test("PeerProbes asks each peer once a second, and hints at a death after three answers that stayed away", async () => {
  using log = captureLog();
  const scene = new Scene();
  await scene.run(async () => {
    await scene.clock.advance(9_500);
    assert.equal(scene.asked, 20);
    assert.deepEqual([scene.answers, scene.hints], [[true, true], 0]);
    scene.there.delete(first);
    await scene.clock.advance(2_000);
    assert.deepEqual([scene.answers, scene.hints], [[true, true], 0]);
    await scene.clock.advance(1_000);
    assert.deepEqual([scene.answers, scene.hints], [[false, true], 1]);
    await scene.clock.advance(59_000);
    assert.equal(scene.hints, 1, "the cloud is not asked each second");
    await scene.clock.advance(60_000);
    assert.equal(scene.hints, 2, "but again while the peer does not answer");
    scene.there.add(first);
    await scene.clock.advance(1_000);
    assert.deepEqual([scene.answers, scene.hints], [[true, true], 2]);
  });
  assert.deepEqual(log.lines, [
    "warning: Peer 10.0.0.5 does not answer tcp:179: its routes stay until the cloud says that it is dead, or the kernel goes " +
    "another way",
    "info: Peer 10.0.0.5 answers tcp:179 again",
  ]);
});

Deno.test("PeerProbes takes one or two lost packets for nothing", async () => {
  using log = captureLog();
  const scene = new Scene();
  await scene.run(async () => {
    for (let round = 0; round < 20; round++) {
      scene.there.delete(first);
      await scene.clock.advance(2_000);
      scene.there.add(first);
      await scene.clock.advance(1_000);
    }
    assert.deepEqual([scene.answers, scene.hints, log.lines], [[true, true], 0, []]);
  });
});

Deno.test("PeerProbes says once that it cannot ask, which says nothing of the peers", async () => {
  using log = captureLog();
  const scene = new Scene();
  scene.error = new Error("no sockets");
  await scene.run(async () => {
    await scene.clock.advance(60_000);
    assert.deepEqual([scene.answers, scene.hints], [[null, null], 0]);
  });
  assert.deepEqual(log.lines, [
    "warning: Cannot probe peer 10.0.0.5 by tcp:179: no sockets; whether it is alive is not known",
  ]);
});

Deno.test("PeerProbes forgets a peer that is none any more", async () => {
  using _log = captureLog();
  const scene = new Scene();
  await scene.run(async () => {
    await scene.clock.advance(1_500);
    scene.peers = scene.peers.slice(1);
    await scene.clock.advance(1_500);
    assert.deepEqual(scene.answers, [null, true]);
  });
});

Deno.test("peerStatuses() says of each peer how it is and how that is known; the cloud's word goes before the probe's", () => {
  const seen = [second, first, "10.0.0.7", "10.0.0.8", first].map((address, index) => ({
    address,
    dead: index === 4 ? { cause: "instance i-1 is stopped", since: 5 } : null,
  }));
  const answers = new Map([
    [first, { answers: true, since: 1 }],
    [second, { answers: true, since: 2 }],
    ["10.0.0.7", { answers: false, since: 3 }],
  ]);
  const probe = { name: "icmp", of: (address: string) => answers.get(address) ?? null };
  assert.deepEqual(peerStatuses(seen, probe).map(({ address, state, since }) => [address, state, since]), [
    [first, "dead", 5],
    [second, "alive", 2],
    ["10.0.0.7", "suspect", 3],
    ["10.0.0.8", "unknown", null],
  ]);
  assert.deepEqual(peerStatuses(seen, probe).map(({ why }) => why), [
    "the cloud says: instance i-1 is stopped",
    "it answers icmp",
    "it does not answer icmp; the cloud does not say that it is dead",
    "it has not been probed by icmp yet",
  ]);
  assert.deepEqual(peerStatuses(seen, null).map(({ state }) => state), [
    "dead",
    "unknown",
    "unknown",
    "unknown",
  ]);
});
