import type { Tracer } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { Resource } from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import type { Logger } from './logger.ts';

const EXPORT_TIMEOUT_MS = 5_000;
const EXPORT_EVERY_MS = 1_000;
/** Further spans are dropped while this many wait. */
const WAITING_SPANS_MAX = 4_096;
const BATCH_SPANS_MAX = 512;
const EXPORTS_IN_FLIGHT_MAX = 2;
const ATTRIBUTE_CHARACTERS_MAX = 2_048;
const SUCCESS = 0;

/** Sends spans by OTLP over HTTP with JSON. When the receiver is away, spans are dropped, and nothing waits for it. */
export function createTraceExport({
  service,
  endpoint,
  logger,
}: {
  service: string;
  endpoint: string;
  logger: Logger;
}): { tracer: Tracer; stop(): Promise<void> } {
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/$/, '')}/v1/traces`,
    timeoutMillis: EXPORT_TIMEOUT_MS,
    concurrencyLimit: EXPORTS_IN_FLIGHT_MAX,
  });
  const provider = new BasicTracerProvider({
    resource: new Resource({ 'service.name': service, 'service.namespace': 'event-booking-system' }),
    // The gateway decides what is traced, see startTrace.
    sampler: new AlwaysOnSampler(),
    generalLimits: { attributeValueLengthLimit: ATTRIBUTE_CHARACTERS_MAX },
    spanProcessors: [
      new BatchSpanProcessor(logOutages(exporter, logger), {
        maxQueueSize: WAITING_SPANS_MAX,
        maxExportBatchSize: BATCH_SPANS_MAX,
        scheduledDelayMillis: EXPORT_EVERY_MS,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    ],
  });
  return { tracer: provider.getTracer('event-booking-system'), stop: () => provider.shutdown() };
}

/** Logs once when spans cannot be exported, and once when they can be again. */
function logOutages(exporter: SpanExporter, logger: Logger): SpanExporter {
  let isAway = false;
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const failed = result.code !== SUCCESS;
        if (failed && !isAway)
          logger.warn({ err: result.error }, 'the trace receiver does not answer; spans are dropped');
        if (!failed && isAway) logger.info('the trace receiver answers again');
        isAway = failed;
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
  };
}
