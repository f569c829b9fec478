/** All metrics over prom-client: those read off the state at each scrape, and those recorded as things happen. */

import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { CloudCall } from "./cloud_calls.ts";
import type { Observed } from "./health.ts";
import { type Metric, metrics } from "./metrics.ts";
import type { ProcessFigures } from "./process_figures.ts";
import { type RecordedMetric, recordedMetrics } from "./recorded_metrics.ts";

/** An HTTP request that has ended; `ApiCall` of the transport is one. */
export interface ApiRequest {
  readonly operation: string;
  readonly status: number | null;
  readonly milliseconds: number;
}

/** What a scrape shows besides what was recorded. */
export interface MetricsMoment {
  readonly observed: Observed;
  /** Null where the kernel does not say. */
  readonly process: ProcessFigures | null;
  /** When the process started, in milliseconds since the epoch. */
  readonly startedAt: number;
}

/** See the head of this file. */
export class MetricsRegistry {
  readonly #registry = new Registry();
  readonly #histograms: Readonly<
    Record<"kernelToCloud" | "cloudCall" | "apiRequest" | "eventLoopDelay", Histogram>
  >;
  readonly #lastRead: Gauge;
  readonly #lastWrite: Gauge;
  #moment: MetricsMoment | null = null;

  constructor() {
    for (const metric of metrics) this.#register(metric);
    this.#histograms = {
      kernelToCloud: this.#histogram(recordedMetrics.kernelToCloud),
      cloudCall: this.#histogram(recordedMetrics.cloudCall),
      apiRequest: this.#histogram(recordedMetrics.apiRequest),
      eventLoopDelay: this.#histogram(recordedMetrics.eventLoopDelay),
    };
    this.#lastRead = new Gauge(this.#configuration(recordedMetrics.lastRead));
    this.#lastWrite = new Gauge(this.#configuration(recordedMetrics.lastWrite));
    this.#registerProcess();
  }

  /** The page in Prometheus' text format, and its type. */
  async page(moment: MetricsMoment): Promise<{ readonly text: string; readonly type: string }> {
    this.#moment = moment;
    return { text: await this.#registry.metrics(), type: this.#registry.contentType };
  }

  /** A call to the cloud has ended. */
  cloudCall({ operation, table, result, milliseconds, at }: CloudCall): void {
    if (result === "abandoned") return;
    this.#histograms.cloudCall.observe({ operation, result }, milliseconds / 1000);
    if (result !== "ok" || table === null) return;
    if (operation === "read") this.#lastRead.set({ table }, at / 1000);
    if (operation === "write") this.#lastWrite.set({ table }, at / 1000);
  }

  /** An HTTP request has ended. */
  apiRequest({ operation, status, milliseconds }: ApiRequest): void {
    const labels = { operation, status: status === null ? "none" : String(status) };
    this.#histograms.apiRequest.observe(labels, milliseconds / 1000);
  }

  /** A route that the kernel changed is in the cloud. */
  kernelToCloud(table: string, milliseconds: number): void {
    this.#histograms.kernelToCloud.observe({ table }, milliseconds / 1000);
  }

  /** The event loop was late, by so many seconds. */
  eventLoopDelay(seconds: number): void {
    this.#histograms.eventLoopDelay.observe(seconds);
  }

  #register(metric: Metric): void {
    const fill = (): void => {
      collected.reset();
      for (const [labels, value] of this.#moment === null ? [] : metric.samples(this.#moment.observed)) {
        collected.inc(labels, value);
      }
    };
    const configuration = { ...this.#configuration(metric), collect: (): void => fill() };
    const collected = metric.type === "gauge" ? new Gauge(configuration) : new Counter(configuration);
  }

  #registerProcess(): void {
    const { cpu, memory, startTime } = recordedMetrics;
    /** Takes the current value, at each scrape. */
    const collecting = (value: (moment: MetricsMoment) => number | undefined): () => void => {
      const now = (): number => this.#moment === null ? 0 : value(this.#moment) ?? 0;
      return function (this: Pick<Gauge, "reset" | "inc">): void {
        this.reset();
        this.inc(now());
      };
    };
    new Counter({ ...this.#configuration(cpu), collect: collecting(({ process }) => process?.cpuSeconds) });
    new Gauge({
      ...this.#configuration(memory),
      collect: collecting(({ process }) => process?.residentBytes),
    });
    new Gauge({
      ...this.#configuration(startTime),
      collect: collecting(({ startedAt }) => startedAt / 1000),
    });
  }

  #histogram(metric: RecordedMetric): Histogram {
    return new Histogram({ ...this.#configuration(metric), buckets: [...metric.buckets ?? []] });
  }

  #configuration({ name, help, labels }: Pick<RecordedMetric, "name" | "help" | "labels">): {
    name: string;
    help: string;
    labelNames: string[];
    registers: Registry[];
  } {
    return { name, help, labelNames: [...labels], registers: [this.#registry] };
  }
}
