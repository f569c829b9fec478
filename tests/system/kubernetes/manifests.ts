/** The manifests of terraform/kubernetes, as the API server would read them. */

import { parseAllDocuments } from "yaml";

/** The clouds that have a manifest. */
export const clouds = ["aws", "azure", "gcp", "openstack"] as const;

/** An object, as far as the tests look at it. */
export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  /** What a role may do. */
  readonly rules?: readonly unknown[];
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: { readonly template: { readonly spec: PodSpec } };
}

/** What a node starts. */
export interface PodSpec {
  readonly hostNetwork: boolean;
  readonly containers: readonly Container[];
  readonly volumes: readonly { readonly hostPath?: { readonly path: string } }[];
}

/** See {@linkcode PodSpec}. */
export interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly livenessProbe: { readonly httpGet: HttpGet };
  readonly readinessProbe: { readonly httpGet: HttpGet };
}

interface HttpGet {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

/** The objects of a cloud's file. */
export async function manifestsOf(cloud: (typeof clouds)[number]): Promise<readonly Manifest[]> {
  const file = new URL(`../../../terraform/kubernetes/${cloud}.yaml`, import.meta.url);
  const documents = parseAllDocuments(await Deno.readTextFile(file), { strict: true, uniqueKeys: true });
  // The files are this repository's own; a wrong shape fails the assertions.
  return [documents].flat().map((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    return document.toJS() as Manifest;
  });
}

/** The variables that a pod gets. */
export function variablesOf(manifests: readonly Manifest[]): Readonly<Record<string, string>> {
  return manifests.find(({ kind }) => kind === "ConfigMap")?.data ?? {};
}

/** The one container. @throws {Error} if there is none. */
export function containerOf(manifests: readonly Manifest[]): Container {
  const container = podOf(manifests).containers[0];
  if (container === undefined) throw new Error("The DaemonSet has no container");
  return container;
}

/** The pod of the DaemonSet. @throws {Error} if there is none. */
export function podOf(manifests: readonly Manifest[]): PodSpec {
  const pod = manifests.find(({ kind }) => kind === "DaemonSet")?.spec?.template.spec;
  if (pod === undefined) throw new Error("There is no DaemonSet");
  return pod;
}
