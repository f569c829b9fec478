/** Fills in what `terraform/cloud-init/user-data.yaml` uses of Terraform's template language, and no more. */

/** Values by name; a map for a `for` loop. */
export type TemplateValues = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

const loop = /^%\{ for (\w+), (\w+) in (\w+) ~\}\n(.*?)^%\{ endfor ~\}\n/gms;
const placeholder = /\$\{(?:(\w+)\((?:(\d+), )?(\w+)\)|(\w+))\}/g;

/**
 * Renders a template.
 *
 * @throws {Error} for a value that is missing and for syntax that is not known here.
 */
export function renderTemplate(template: string, values: TemplateValues): string {
  const unrolled = template.replaceAll(
    loop,
    (_, name: string, value: string, map: string, body: string) =>
      Object.entries(mapOf(values, map))
        .map(([key, text]) => fill(body, { [name]: key, [value]: text }))
        .join(""),
  );
  const rendered = fill(unrolled, values);
  const rest = rendered.match(/[$%]\{.*/);
  if (rest !== null) throw new Error(`Cannot render the template: "${rest[0]}" is not known here`);
  return rendered;
}

function fill(text: string, values: TemplateValues): string {
  return text.replaceAll(
    placeholder,
    (_, call?: string, width?: string, argument?: string, name?: string) => {
      const value = values[argument ?? name ?? ""];
      if (typeof value !== "string") {
        throw new Error(
          `Cannot render the template: no text "${argument ?? name}"`,
        );
      }
      switch (call) {
        case undefined:
          return value;
        case "jsonencode":
          return JSON.stringify(value);
        case "indent":
          return value.replaceAll(/\n(?=.)/g, `\n${" ".repeat(Number(width))}`);
        default:
          throw new Error(`Cannot render the template: function "${call}" is not known here`);
      }
    },
  );
}

function mapOf(values: TemplateValues, name: string): Readonly<Record<string, string>> {
  const value = values[name];
  if (value === undefined || typeof value === "string") {
    throw new Error(`Cannot render the template: "${name}" is no map`);
  }
  return value;
}
