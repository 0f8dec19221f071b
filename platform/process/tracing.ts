import {
  type Attributes,
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { ProcessSettings } from './config.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Logger } from './logger.ts';

/** A step of a traced request. Without tracing, and for requests that are not traced, every method does nothing. */
export interface Span {
  /**
   * The trace context for the work that this step causes, in the form of the `traceparent` header of W3C Trace Context:
   * version, trace id, parent id and flags. Undefined without a trace.
   */
  readonly traceparent: string | undefined;
  /** Ends the step, with facts that were not known before. An error marks it as failed. */
  end(result?: { name?: string | undefined; attributes?: Attributes; error?: unknown }): void;
}

interface SpanOptions {
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
}

/** W3C Trace Context. Version ff and ids of zeros are invalid. */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/;
const NO_SPAN: Span = { traceparent: undefined, end: () => undefined };

let tracing: { readonly tracer: Tracer; readonly share: number } | undefined;

/**
 * Exports the spans of this process by OTLP if OTEL_EXPORTER_OTLP_ENDPOINT is set. The gateway traces the share
 * OTEL_TRACES_SAMPLER_ARG of all requests. The other processes trace what belongs to these requests. Without an
 * endpoint, the exporter is not even loaded.
 */
export async function startTracing(
  service: string,
  { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: share }: ProcessSettings,
  { logger, lifecycle }: { logger: Logger; lifecycle: Lifecycle },
): Promise<void> {
  if (endpoint === undefined) return;
  const { createTraceExport } = await import('./trace-export.ts');
  const { tracer, stop } = createTraceExport({ service, endpoint, logger });
  tracing = { tracer, share };
  lifecycle.onStop('traces', stop);
}

/**
 * Begins the first step of a request. Whether it is traced is decided here, at random, and not by the client. A traced
 * request continues the trace of the client's `traceparent` header. For a request that is not traced, the header is
 * passed on without the flag that requests tracing. Without tracing, it is passed on unchanged.
 */
export function startTrace(name: string, header: unknown, options: SpanOptions = {}): Span {
  const given = typeof header === 'string' ? header : '';
  const parent = parse(given);
  if (tracing === undefined) return parent === undefined ? NO_SPAN : { ...NO_SPAN, traceparent: given };
  if (Math.random() < tracing.share) return begin(tracing.tracer, name, parent, options);
  return parent === undefined ? NO_SPAN : { ...NO_SPAN, traceparent: `${given.slice(0, -2)}00` };
}

/** Begins a step that `parent` caused, if that is part of a traced request. An invalid `parent` is ignored. */
export function startSpan(name: string, parent: string | undefined, options: SpanOptions = {}): Span {
  const context = parent === undefined ? undefined : parse(parent);
  if (context === undefined) return NO_SPAN;
  if (tracing === undefined || (context.traceFlags & TraceFlags.SAMPLED) === 0)
    return { ...NO_SPAN, traceparent: parent };
  return begin(tracing.tracer, name, context, options);
}

/** Runs a step that `parent` caused. */
export async function inSpan<Result>(
  name: string,
  parent: string | undefined,
  options: SpanOptions,
  run: (span: Span) => Promise<Result>,
): Promise<Result> {
  const span = startSpan(name, parent, options);
  try {
    const result = await run(span);
    span.end();
    return result;
  } catch (error) {
    span.end({ error });
    throw error;
  }
}

function parse(traceparent: string) {
  const [, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(traceparent) ?? [];
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(context) ? context : undefined;
}

function begin(tracer: Tracer, name: string, parent: ReturnType<typeof parse>, options: SpanOptions): Span {
  const span = tracer.startSpan(name, options, parent && trace.setSpanContext(ROOT_CONTEXT, parent));
  const { traceId, spanId } = span.spanContext();
  return {
    traceparent: `00-${traceId}-${spanId}-01`,
    end({ name: newName, attributes = {}, error } = {}) {
      if (newName !== undefined) span.updateName(newName);
      span.setAttributes(attributes);
      // The message of an error may contain personal data. The log has it, with secrets removed.
      if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: nameOf(error) });
      span.end();
    },
  };
}

const nameOf = (error: unknown): string =>
  error instanceof Error ? String(Reflect.get(error, 'code') ?? error.name) : String(error);

export { SpanKind };
