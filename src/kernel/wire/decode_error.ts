/** A message of the kernel that does not have the shape that its headers promise. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";

  /**
   * @param what the noun that was decoded, as in `route`.
   * @param cause the sentence's end, as in `attribute RTA_DST is 3 bytes long, not 4`.
   */
  constructor(what: string, cause: string) {
    super(`Cannot decode ${what}: ${cause}`);
  }
}
