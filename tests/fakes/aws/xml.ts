/** As much XML as EC2's answers take: elements without attributes, found by name. */

/** The text of the first element of a name; null if there is none. */
export function textOf(xml: string, name: string): string | null {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? null;
}

/** The `<item>`s directly inside the first element of a name. */
export function itemsOf(xml: string, name: string): string[] {
  const inner = innerOf(xml, name);
  const items: string[] = [];
  let depth = 0;
  let start = 0;
  for (const tag of inner.matchAll(/<(\/?)item>/g)) {
    if (tag[1] === "") {
      if (depth++ === 0) start = tag.index;
    } else if (--depth === 0) items.push(inner.slice(start, tag.index + tag[0].length));
  }
  return items;
}

/** Puts other items into the first element of a name. */
export function withItems(xml: string, name: string, items: readonly string[]): string {
  const whole = new RegExp(`<${name}/>|<${name}>.*</${name}>`, "s").exec(xml)?.[0];
  return whole === undefined ? xml : xml.replace(whole, () => `<${name}>${items.join("")}</${name}>`);
}

/** An answer as EC2 writes a refusal. */
export function refusalXml(code: string, message: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>${code}</Code><Message>${
    escape(message)
  }</Message></Error></Errors><RequestID>front-${crypto.randomUUID()}</RequestID></Response>`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** What is between an element's tags, greedily: no element used here stands inside one of its own name, items apart. */
function innerOf(xml: string, name: string): string {
  const start = xml.indexOf(`<${name}>`);
  const end = xml.lastIndexOf(`</${name}>`);
  return start < 0 || end < 0 ? "" : xml.slice(start + name.length + 2, end);
}
