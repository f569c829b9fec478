/** The page at `/`: one HTML document with its style and its script inside, and a policy that lets nothing else in. */

import html from "./page.html" with { type: "text" };
import style from "./page.css" with { type: "text" };
import format from "./format.js" with { type: "text" };
import routes from "./routes.js" with { type: "text" };
import stream from "./stream.js" with { type: "text" };
import table from "./table.js" with { type: "text" };
import page from "./page.js" with { type: "text" };

/** The scripts in the order of their imports: what one imports stands before it. */
const scripts = [format, routes, stream, table, page];

/** A script of several modules as one: their imports of one another are taken out, since all stand in one scope. */
const script = scripts
  .map((text) =>
    text.replaceAll(/^import [^;]*;\n/gm, "").replaceAll(
      /^export (?=(async )?function|const|class|let)/gm,
      "",
    )
  )
  .join("\n");

const whole = html.replace("/* style */", () => style).replace("/* script */", () => script);

/** The page, and what a browser may do with it. */
export async function pageResponse(): Promise<Response> {
  const policy = [
    "default-src 'none'",
    `script-src '${await sourceHash("script")}'`,
    `style-src '${await sourceHash("style")}'`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join("; ");
  return new Response(whole, {
    headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": policy },
  });
}

/** The hash source (Content Security Policy Level 3) of the one element of a name: what stands between its tags, byte for byte. */
async function sourceHash(tag: "script" | "style"): Promise<string> {
  const [, text = ""] = new RegExp(`<${tag}[^>]*>([^]*?)</${tag}>`).exec(whole) ?? [];
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return `sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}`;
}
