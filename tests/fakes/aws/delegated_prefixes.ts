/** Prefixes that are delegated to interfaces, of which moto knows nothing. */

import { parsePrefix } from "../../../src/routes/prefix.ts";
import { itemsOf, withItems } from "./xml.ts";

/** Filters of DescribeInstances by which they are found. */
const filterNames: readonly string[] = [
  "network-interface.ipv4-prefixes.ipv4-prefix",
  "network-interface.ipv6-prefixes.ipv6-prefix",
];

/** See the head of this file. */
export class DelegatedPrefixes {
  readonly #byInterface = new Map<string, string[]>();

  /** Delegates a /28 of IPv4 or a /80 of IPv6. moto's IPv6 blocks have zeros in front, EC2 writes prefixes without (RFC 5952). */
  add(interfaceId: string, prefix: string): void {
    const { text } = parsePrefix(prefix);
    this.#byInterface.set(interfaceId, [...this.#byInterface.get(interfaceId) ?? [], text]);
  }

  /** Takes it away again. */
  remove(interfaceId: string, prefix: string): void {
    const { text } = parsePrefix(prefix);
    this.#byInterface.set(
      interfaceId,
      (this.#byInterface.get(interfaceId) ?? []).filter((each) => each !== text),
    );
  }

  /** Takes the filters that are about prefixes out of a call. @returns the prefixes that they ask for; null if there are none. */
  takeFilter(fields: URLSearchParams): readonly string[] | null {
    const name = [...fields.keys()].find((key) =>
      key.endsWith(".Name") && filterNames.includes(fields.get(key) ?? "")
    );
    const number = name?.split(".")[1];
    if (name === undefined || number === undefined) return null;
    const keys = [...fields.keys()].filter((key) => key.startsWith(`Filter.${number}.`));
    const wanted = keys.filter((key) => key !== name).map((key) => fields.get(key) ?? "");
    for (const key of keys) fields.delete(key);
    return wanted;
  }

  /** The reservations of an answer whose instances have one of the prefixes, and in them the prefixes. */
  reservations(answer: string, wanted: readonly string[]): string {
    const found = [...this.#byInterface].filter(([, prefixes]) =>
      prefixes.some((each) => wanted.includes(each))
    );
    const items = itemsOf(answer, "reservationSet").filter((item) => found.some(([id]) => item.includes(id)));
    return withItems(answer, "reservationSet", items.map((item) => this.#withPrefixes(item)));
  }

  #withPrefixes(item: string): string {
    return [...this.#byInterface].reduce((text, [id, prefixes]) => {
      const tag = `<networkInterfaceId>${id}</networkInterfaceId>`;
      return text.replace(tag, () => `${tag}${prefixSet(4, prefixes)}${prefixSet(6, prefixes)}`);
    }, item);
  }
}

function prefixSet(family: 4 | 6, prefixes: readonly string[]): string {
  const items = prefixes.filter((prefix) => prefix.includes(":") === (family === 6))
    .map((prefix) => `<item><ipv${family}Prefix>${prefix}</ipv${family}Prefix></item>`);
  return `<ipv${family}PrefixSet>${items.join("")}</ipv${family}PrefixSet>`;
}
