/**
 * A rate quota of the fake's API: so many requests within each minute of the clock, whoever sends them. "If a project reaches a
 * quota limit at 10:00:15, the quota refills at the start of the next synchronized interval, such as 10:01:00"
 * (https://cloud.google.com/compute/api-quota).
 */
export class RateQuota {
  /** Requests a minute; the default limit of global writes is 1,500. */
  perMinute = 1500;
  /** Milliseconds since the epoch, which a test may set. */
  now: () => number = () => Date.now();
  /** How many it has refused. */
  refused = 0;
  #minute = 0;
  #taken = 0;

  /** @returns whether there is a place for one more request in this minute. */
  take(): boolean {
    const minute = Math.floor(this.now() / 60_000);
    if (minute !== this.#minute) this.#taken = 0;
    this.#minute = minute;
    if (this.#taken >= this.perMinute) {
      this.refused++;
      return false;
    }
    this.#taken++;
    return true;
  }

  /** What a refusal says. */
  get message(): string {
    return "Quota exceeded for quota metric 'Global Writes' and limit 'Write requests per minute' of service " +
      "'compute.googleapis.com' for consumer 'project_number:493817265014'.";
  }
}
