import assert from "node:assert/strict";
import { filePages, leaveFilePages } from "../../../ffi/file_pages.ts";
import { openLibc } from "../../../ffi/libc.ts";

const libc = openLibc();

/** What a mapping of {@linkcode smaps} is; the rest is as an executable's code has it. */
interface Mapping {
  readonly permissions?: string;
  readonly offset?: string;
  readonly file?: string;
  readonly rss?: number;
  readonly anonymous?: number;
  readonly swap?: number | null;
}

/** The text of `/proc/PID/smaps` for mappings of 32 MiB from 0x100000000 on, as Linux 6.18 writes it. */
function smaps(...mappings: readonly Mapping[]): string {
  return mappings.map((mapping, index) => {
    const { permissions = "r-xp", offset = "022a3000", rss = 24_312, anonymous = 0, swap = 0 } = mapping;
    const file = mapping.file ?? "fe:00 10494919                   /usr/bin/cloudroutesync";
    const start = 0x1_0000_0000 + index * 0x200_0000;
    return [
      `${start.toString(16)}-${(start + 0x200_0000).toString(16)} ${permissions} ${offset} ${file}`,
      "Size:              32768 kB",
      "KernelPageSize:        4 kB",
      `Rss:               ${rss} kB`,
      "Private_Dirty:         0 kB",
      `Anonymous:             ${anonymous} kB`,
      ...(swap === null ? [] : [`Swap:                  ${swap} kB`]),
      "SwapPss:               0 kB",
      "VmFlags: rd ex mr mw me",
    ].join("\n");
  }).join("\n");
}

Deno.test("the executable's code and what lies at its head can be taken out", () => {
  assert.deepEqual(filePages(smaps({}, { permissions: "r--p", offset: "00000000", rss: 17_480 })), [
    { address: 0x1_0000_0000n, bytes: 0x200_0000n, residentBytes: 24_312 * 1024 },
    { address: 0x1_0200_0000n, bytes: 0x200_0000n, residentBytes: 17_480 * 1024 },
  ]);
});

const staying: Readonly<Record<string, Mapping>> = {
  "code with a copied page": { anonymous: 4 },
  "code with a copied page in swap": { swap: 4 },
  "code of which the kernel says nothing about swap": { swap: null },
  "data": { permissions: "rw-p" },
  "data that was made read-only after its relocation": { permissions: "r--p", offset: "055ee000" },
  "code that may be written": { permissions: "rwxp" },
  "what is shared with other processes": { permissions: "r-xs" },
  "compiled JavaScript, which lies in no file": { offset: "00000000", file: "00:00 0 " },
  "the kernel's own piece": { offset: "00000000", file: "00:00 0                          [vdso]" },
  "a library's code of less than a megabyte": { rss: 1023 },
};

for (const [name, mapping] of Object.entries(staying)) {
  Deno.test(`${name} stays`, () => {
    assert.deepEqual(filePages(smaps(mapping)), []);
    assert.equal(filePages(smaps(mapping, {})).length, 1);
  });
}

Deno.test("nothing is found in an empty text", () => {
  assert.deepEqual(filePages(""), []);
});

Deno.test("this process's own pages are taken out, and it goes on", async () => {
  const before = await residentFilePages();
  const left = await leaveFilePages(libc);
  assert.ok(left !== null && left >= 1 << 20, `${left} bytes were taken out`);
  assert.ok(await residentFilePages() < before);
  // Both run code and read constants of the executable that have just been taken out.
  assert.match("Straße".toLocaleUpperCase("de"), /^STRASSE$/);
  assert.equal(new Intl.NumberFormat("de").format(1234.5), "1.234,5");
});

/** Kilobytes of files in this process's page table. */
async function residentFilePages(): Promise<number> {
  const status = await Deno.readTextFile("/proc/self/status");
  return Number(/^RssFile:\s+(\d+) kB$/m.exec(status)?.[1]);
}
