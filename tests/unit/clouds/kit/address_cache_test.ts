import assert from "node:assert/strict";
import { AddressCache } from "../../../../src/clouds/kit/address_cache.ts";
import { parseAddress } from "../../../../src/routes/prefix.ts";

const [taken, free] = ["10.0.0.20", "10.0.0.99"].map(parseAddress);

/** A cache before a cloud in which `taken` alone is somebody's. */
class Scene {
  now = 0;
  holder = "port-1";
  readonly asked: string[][] = [];
  readonly cache = new AddressCache<string>(() => this.now);

  find(...texts: readonly string[]): Promise<readonly (string | null)[]> {
    return this.cache.find(texts.map(parseAddress), (addresses) => {
      this.asked.push(addresses.map(({ text }) => text));
      return Promise.resolve(new Map([["10.0.0.20", this.holder]]));
    });
  }
}

Deno.test("AddressCache.find() answers in the order asked, and asks once for what it does not know", async () => {
  const scene = new Scene();
  assert.deepEqual(await scene.find("10.0.0.99", "10.0.0.20", "10.0.0.99"), [null, "port-1", null]);
  assert.deepEqual(scene.asked, [["10.0.0.99", "10.0.0.20"]]);
  await scene.find("10.0.0.20", "10.0.0.99");
  assert.equal(scene.asked.length, 1);
});

Deno.test("AddressCache.find() remembers somebody for five minutes and nobody for half of one", async () => {
  const scene = new Scene();
  await scene.find("10.0.0.20", "10.0.0.99");
  scene.now = 29_999;
  await scene.find("10.0.0.20", "10.0.0.99");
  assert.equal(scene.asked.length, 1);
  scene.now = 30_000;
  await scene.find("10.0.0.20", "10.0.0.99");
  assert.deepEqual(scene.asked[1], ["10.0.0.99"]);
  scene.now = 300_000;
  await scene.find("10.0.0.20");
  assert.deepEqual(scene.asked[2], ["10.0.0.20"]);
});

Deno.test("AddressCache.forget() makes the next question go to the cloud: an address may float", async () => {
  const scene = new Scene();
  await scene.find("10.0.0.20");
  scene.holder = "port-2";
  scene.now = 1_000;
  assert.deepEqual(await scene.find("10.0.0.20"), ["port-1"]);
  assert.ok(taken !== undefined && free !== undefined);
  scene.cache.forget([taken, free]);
  assert.deepEqual(await scene.find("10.0.0.20"), ["port-2"]);
});

Deno.test("AddressCache.forget() lets a young answer stand: a burst asks once", async () => {
  const scene = new Scene();
  assert.ok(taken !== undefined);
  await scene.find("10.0.0.20");
  for (scene.now = 1; scene.now < 1_000; scene.now += 111) {
    scene.cache.forget([taken]);
    await scene.find("10.0.0.20");
  }
  assert.equal(scene.asked.length, 1);
});

Deno.test("AddressCache.forgetHolder() forgets the addresses of a machine that is gone, and no other", async () => {
  const scene = new Scene();
  await scene.find("10.0.0.20", "10.0.0.99");
  scene.cache.forgetHolder((holder) => holder === "port-9");
  await scene.find("10.0.0.20");
  assert.equal(scene.asked.length, 1);
  scene.cache.forgetHolder((holder) => holder === "port-1");
  await scene.find("10.0.0.20", "10.0.0.99");
  assert.deepEqual(scene.asked[1], ["10.0.0.20"]);
});

Deno.test("AddressCache.find() remembers nothing of a failure", async () => {
  const scene = new Scene();
  const failure = new Error("no answer");
  await assert.rejects(scene.cache.find([parseAddress("10.0.0.20")], () => Promise.reject(failure)), failure);
  assert.deepEqual(await scene.find("10.0.0.20"), ["port-1"]);
});
