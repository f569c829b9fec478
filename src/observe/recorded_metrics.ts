/** The metrics that are recorded as things happen, each with its buckets. */

import type { MetricMeaning } from "./metrics.ts";

/** A metric that is recorded. */
export interface RecordedMetric extends MetricMeaning {
  readonly type: "histogram" | "gauge" | "counter";
  readonly labels: readonly string[];
  /** Upper bounds of a histogram, in seconds. */
  readonly buckets?: readonly number[];
}

/** From a call on the same machine to one that a cloud takes its time for. */
const callBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

/** See the head of this file. */
export const recordedMetrics = {
  kernelToCloud: {
    name: "cloudroutesync_kernel_to_cloud_seconds",
    type: "histogram",
    help: "From the kernel's event to the answer of the cloud that made it true, one observation per route.",
    labels: ["table"],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120],
  },
  cloudCall: {
    name: "cloudroutesync_cloud_call_seconds",
    type: "histogram",
    help: "Calls to the cloud by what they are for and how they ended: ok, or the error's kind.",
    labels: ["operation", "result"],
    buckets: callBuckets,
  },
  apiRequest: {
    name: "cloudroutesync_api_request_seconds",
    type: "histogram",
    help: "HTTP requests to APIs and metadata by operation and HTTP status (none: no answer).",
    labels: ["operation", "status"],
    buckets: callBuckets,
  },
  eventLoopDelay: {
    name: "cloudroutesync_event_loop_delay_seconds",
    type: "histogram",
    help: "How late the event loop was, measured each second.",
    labels: [],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
  },
  lastRead: {
    name: "cloudroutesync_last_read_timestamp_seconds",
    type: "gauge",
    help: "When the table was last read successfully.",
    labels: ["table"],
  },
  lastWrite: {
    name: "cloudroutesync_last_write_timestamp_seconds",
    type: "gauge",
    help: "When something was last written to the table.",
    labels: ["table"],
  },
  cpu: {
    name: "process_cpu_seconds_total",
    type: "counter",
    help: "Processor time of the process, user and system.",
    labels: [],
  },
  memory: {
    name: "process_resident_memory_bytes",
    type: "gauge",
    help: "Resident memory of the process.",
    labels: [],
  },
  startTime: {
    name: "process_start_time_seconds",
    type: "gauge",
    help: "When the process started.",
    labels: [],
  },
} as const satisfies Readonly<Record<string, RecordedMetric>>;
