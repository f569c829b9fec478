/** The machines that a release serves, by each name that they have. */

import type { Target } from "../denort.ts";

/** A kind of processor, and what surrounds it. */
export interface Machine {
  /** As `uname -m` has it; part of file names. */
  readonly name: "x86_64" | "aarch64";
  /** As Deno has it. */
  readonly target: Target;
  /** As Debian's packages and container images have it. */
  readonly architecture: "amd64" | "arm64";
  /** Debian's folder for its libraries, below /lib. */
  readonly triplet: string;
  /** Where an executable expects glibc's loader (its `PT_INTERP`). */
  readonly loader: string;
}

/** All of them. */
export const machines: readonly Machine[] = [
  {
    name: "x86_64",
    target: "x86_64-unknown-linux-gnu",
    architecture: "amd64",
    triplet: "x86_64-linux-gnu",
    loader: "lib64/ld-linux-x86-64.so.2",
  },
  {
    name: "aarch64",
    target: "aarch64-unknown-linux-gnu",
    architecture: "arm64",
    triplet: "aarch64-linux-gnu",
    loader: "lib/ld-linux-aarch64.so.1",
  },
];
