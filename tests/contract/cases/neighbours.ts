/** The VMs beside this one: there, absent, coming, going, moving. */

import assert from "node:assert/strict";
import { parseAddress } from "../../../src/routes/prefix.ts";
import { longMs, MovedClock } from "../clock.ts";
import { never } from "../helpers.ts";
import type { Bench } from "../rig.ts";
import type { Subject } from "../subject.ts";

/** Longer than an answer outlasts a burst of news, and much shorter than it is remembered. */
const shortMs = 1_500;

export const neighbourCases = {
  async "resolve() knows the VMs beside this one, and no other address"(bench: Bench): Promise<void> {
    const { standing, absent } = bench.rig.neighbours;
    const subject = await identified(bench);
    const known = [standing[4], standing[6]].flatMap(({ address, id }) =>
      address === null ? [] : [{ address, id }]
    );
    const gateways = [...known.map(({ address }) => address), absent].map(parseAddress);
    const found = await subject.resolve(gateways, never);
    assert.deepEqual([...found], [
      ...known.map(({ address, id }) => [parseAddress(address).text, id]),
      [absent, null],
    ]);
  },

  async "resolve() asks once for a burst of routes by one gateway"(bench: Bench): Promise<void> {
    const subject = await identified(bench);
    const address = bench.rig.neighbours.standing[4].address;
    await lookUp(subject, address);
    const before = bench.rig.traffic.count;
    for (let time = 0; time < 3; time++) await lookUp(subject, address);
    assert.equal(bench.rig.traffic.count, before);
  },

  async "resolve() names each gateway by its own address, whoever has it, and asks nobody"(
    bench: Bench,
  ): Promise<void> {
    const subject = await identified(bench);
    const { standing, absent } = bench.rig.neighbours;
    const before = bench.rig.traffic.count;
    const gateways = [standing[4].id, standing[6].id, absent].map(parseAddress);
    assert.deepEqual(
      [...await subject.resolve(gateways, never)],
      gateways.map(({ text }) => [text, text]),
    );
    assert.equal(bench.rig.traffic.count, before);
  },

  async "resolve() of an IPv4 route by an IPv6 gateway names what an IPv4 route can point at"(
    bench: Bench,
  ): Promise<void> {
    const { gateway, id } = bench.rig.neighbours.ofOtherFamily();
    const subject = await identified(bench);
    assert.equal(await subject.resolveFor({ gateway: parseAddress(gateway), family: 4 }, never), id);
  },

  async "resolve() of no gateway finds none"(bench: Bench): Promise<void> {
    const subject = await identified(bench);
    assert.deepEqual([...await subject.resolve([], never)], []);
  },

  async "resolve() finds a VM that came since it was last looked for"(bench: Bench): Promise<void> {
    using clock = new MovedClock();
    const subject = await identified(bench);
    const { absent } = bench.rig.neighbours;
    assert.equal(await lookUp(subject, absent), null);
    const id = await bench.rig.neighbours.add();
    clock.advance(longMs);
    assert.equal(await lookUp(subject, absent), id);
  },

  async "resolve() does not find a VM that has gone"(bench: Bench): Promise<void> {
    using clock = new MovedClock();
    const subject = await identified(bench);
    const { absent } = bench.rig.neighbours;
    const id = await bench.rig.neighbours.add();
    assert.equal(await lookUp(subject, absent), id);
    await bench.rig.neighbours.remove();
    clock.advance(longMs);
    assert.equal(await lookUp(subject, absent), null);
  },

  async "resolve() follows an address that moves to another VM"(bench: Bench): Promise<void> {
    using clock = new MovedClock();
    const subject = await identified(bench);
    const { absent } = bench.rig.neighbours;
    const first = await bench.rig.neighbours.add();
    assert.equal(await lookUp(subject, absent), first);
    await bench.rig.neighbours.remove();
    const id = await bench.rig.neighbours.add();
    clock.advance(longMs);
    assert.equal(await lookUp(subject, absent), id);
  },

  async "resolve() follows an address that moves once it is to be forgotten"(bench: Bench): Promise<void> {
    using clock = new MovedClock();
    const subject = await identified(bench);
    const { absent } = bench.rig.neighbours;
    const first = await bench.rig.neighbours.add();
    assert.equal(await lookUp(subject, absent), first);
    await bench.rig.neighbours.remove();
    const id = await bench.rig.neighbours.add();
    clock.advance(shortMs);
    subject.forget([parseAddress(absent)]);
    assert.equal(await lookUp(subject, absent), id);
  },

  async "resolve() finds a VM beside one whose address makes no sense"(bench: Bench): Promise<void> {
    await bench.rig.neighbours.addOdd();
    const subject = await identified(bench);
    const { standing, absent } = bench.rig.neighbours;
    assert.equal(await lookUp(subject, standing[4].address), standing[4].id);
    assert.equal(await lookUp(subject, absent), null);
  },

  async "resolve() reads all pages of a list"(bench: Bench): Promise<void> {
    const subject = await identified(bench);
    const id = await bench.rig.neighbours.add();
    bench.rig.neighbours.pageByOne();
    const { standing, absent } = bench.rig.neighbours;
    const gateways = [standing[4].address, absent].map(parseAddress);
    assert.deepEqual([...await subject.resolve(gateways, never)].map(([, found]) => found), [
      standing[4].id,
      id,
    ]);
  },

  async "resolve() says the same to callers who come together"(bench: Bench): Promise<void> {
    const subject = await identified(bench);
    const address = bench.rig.neighbours.standing[4].address;
    const found = await Promise.all([1, 2, 3].map(() => lookUp(subject, address)));
    assert.deepEqual(found, found.map(() => bench.rig.neighbours.standing[4].id));
  },

  async "resolve() that fails remembers nothing of it"(bench: Bench): Promise<void> {
    const subject = await identified(bench);
    const { standing, absent } = bench.rig.neighbours;
    await bench.rig.fail("unavailable", "resolve");
    for (const address of [standing[4].address, absent]) {
      await assert.rejects(lookUp(subject, address), { name: "CloudError", kind: "unavailable" });
    }
    await bench.rig.heal();
    assert.equal(await lookUp(subject, standing[4].address), standing[4].id);
    assert.equal(await lookUp(subject, absent), null);
  },
};

async function identified({ open }: Bench): Promise<Subject> {
  const subject = await open();
  await subject.identify(never);
  return subject;
}

async function lookUp(subject: Subject, address: string): Promise<string | null | undefined> {
  return (await subject.resolve([parseAddress(address)], never)).get(address);
}
