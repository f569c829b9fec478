/** Damages inputs, as a bad wire, a bad editor or an attacker would. */

/** Bytes and texts on which lengths, counts and parsers break. */
const edges = [0, 1, 3, 4, 7, 8, 16, 17, 127, 128, 254, 255, 0x22, 0x2c, 0x2d, 0x2e, 0x2f, 0x3d, 0x5b, 0x7b];
const words = [
  "null",
  "-1",
  "1e999",
  "{}",
  "[]",
  '""',
  "true",
  "/33",
  "::",
  " -",
  "=",
  ",",
  "0x10",
  "\u0000",
  "99999999999999999999",
]
  .map((word) => new TextEncoder().encode(word));

/**
 * One of the inputs with one to four changes.
 *
 * @param below a whole number from 0 to less than its argument.
 */
export function damaged(pool: readonly Uint8Array[], below: (below: number) => number): Uint8Array {
  let input: Uint8Array = pool[below(pool.length)] ?? new Uint8Array();
  for (let changes = below(4); changes >= 0; changes--) input = changed(input, pool, below);
  return input;
}

function changed(
  input: Uint8Array,
  pool: readonly Uint8Array[],
  below: (below: number) => number,
): Uint8Array {
  const at = below(input.length + 1);
  const end = Math.min(input.length, at + 1 + below(8));
  switch (below(6)) {
    case 0:
      return joined(
        input.subarray(0, at),
        Uint8Array.of(edges[below(edges.length)] ?? 0),
        input.subarray(at + 1),
      );
    case 1:
      return joined(input.subarray(0, at), Uint8Array.of(below(256)), input.subarray(at + 1));
    case 2:
      return joined(input.subarray(0, at), input.subarray(end));
    case 3:
      return joined(input.subarray(0, at), words[below(words.length)] ?? input, input.subarray(end));
    case 4:
      return joined(input.subarray(0, end), input.subarray(at));
    default: {
      const other = pool[below(pool.length)] ?? input;
      return joined(input.subarray(0, at), other.subarray(below(other.length)));
    }
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
