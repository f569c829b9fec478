import assert from "node:assert/strict";
import { type Login, SharedLogin } from "../../../../src/clouds/kit/shared_login.ts";

/** A login service whose tokens last 100 ms of a clock that is set by hand. */
class Service {
  now = 0;
  logins = 0;
  refusal: Error | null = null;
  /** Set: logins wait for it. */
  held: Promise<void> | null = null;
  readonly login = new SharedLogin<string>({
    login: () => this.#logIn(),
    renewBeforeMs: 10,
    now: () => this.now,
  });

  async #logIn(): Promise<Login<string>> {
    this.logins++;
    await this.held;
    if (this.refusal !== null) throw this.refusal;
    return { value: `token-${this.logins}`, until: this.now + 100 };
  }
}

Deno.test("SharedLogin logs in once for calls that come together, and keeps the value until shortly before its end", async () => {
  const service = new Service();
  const values = await Promise.all([1, 2, 3].map(() => service.login.get()));
  assert.deepEqual([...values, service.logins], ["token-1", "token-1", "token-1", 1]);
  service.now = 89;
  assert.equal(await service.login.get(), "token-1");
  service.now = 90;
  assert.equal(await service.login.get(), "token-2");
});

Deno.test("SharedLogin goes on for others when the caller that began the login gives up", async () => {
  const service = new Service();
  const { promise, resolve } = Promise.withResolvers<void>();
  service.held = promise;
  const controller = new AbortController();
  const first = service.login.get(controller.signal);
  const second = service.login.get();
  controller.abort(new Error("enough"));
  await assert.rejects(first, /enough/);
  resolve();
  assert.deepEqual([await second, service.logins], ["token-1", 1]);
});

Deno.test("SharedLogin forgets a value that was refused, but not the one that has replaced it", async () => {
  const service = new Service();
  const refused = await service.login.get();
  service.login.refused(refused);
  assert.equal(await service.login.get(), "token-2");
  service.login.refused(refused);
  assert.deepEqual([await service.login.get(), service.logins], ["token-2", 2]);
});

Deno.test("SharedLogin uses a value to its end when it cannot be renewed, and no longer", async () => {
  const service = new Service();
  await service.login.get();
  service.refusal = new Error("the login service is down");
  service.now = 95;
  assert.equal(await service.login.get(), "token-1");
  service.now = 100;
  await assert.rejects(service.login.get(), /down/);
});

Deno.test("SharedLogin tries a login that failed again at the next call", async () => {
  const service = new Service();
  service.refusal = new Error("the login service is down");
  await assert.rejects(service.login.get(), /down/);
  service.refusal = null;
  assert.equal(await service.login.get(), "token-2");
});
