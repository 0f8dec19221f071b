import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Client, createEvent, signUp } from './support/client.ts';
import { startTestSystem, type TestSystem } from './support/system.ts';
import { type ReceivedSpan, startTraceReceiver, textOf } from './support/trace-receiver.ts';

const SOON = { timeout: 20_000, interval: 100 };
const BOOK = `mutation BookSeats($input: CreateBookingInput!) {
  createBooking(input: $input) { ... on CreateBookingPayload { booking { id } } ... on DomainError { code } }
}`;

describe('the trace of a booking', () => {
  let receiver: Awaited<ReturnType<typeof startTraceReceiver>>;
  let system: TestSystem;
  let ada: Client;
  let eventId: string;
  beforeAll(async () => {
    receiver = await startTraceReceiver();
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_TRACES_SAMPLER_ARG: '1' };
    system = await startTestSystem({ env });
    ada = await signUp(system.graphqlUrl);
    eventId = await createEvent(ada);
  });
  afterAll(async () => {
    await system?.stop();
    await receiver?.stop();
  });

  it('leads from the client’s request through all processes and the broker to the sent notification', async () => {
    const [traceId, clientSpan] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
    const input = { eventId, seatCount: 1, idempotencyKey: randomUUID() };
    const { requestId } = await ask(system, `00-${traceId}-${clientSpan}-00`, ada, {
      query: BOOK,
      variables: { input },
    });
    const spans = () => receiver.spans().filter((span) => span.traceId === traceId);
    /** For each span, its name after those of all that led to it. */
    const paths = () => {
      const byId = new Map(spans().map((span) => [span.spanId, span]));
      const pathOf = ({ service, name, parentSpanId = '' }: ReceivedSpan): string => {
        const parent = byId.get(parentSpanId);
        return `${parent === undefined ? parentSpanId : pathOf(parent)} > ${service}: ${name}`;
      };
      return spans().map(pathOf);
    };
    const root = `${clientSpan} > gateway: BookSeats`;
    const asked = `${root} > gateway: ask BookSeats__booking__0`;
    const allocated = `${asked} > booking: answer BookSeats__booking__0 > booking: allocate seats`;
    const published = `${allocated} > booking: publish booking.confirmed.v1`;
    const processed = `${published} > notification: process booking.confirmed.v1`;
    await vi.waitFor(() => {
      expect(paths()).toEqual(
        expect.arrayContaining([
          `${root} > gateway: plan`,
          `${allocated} > booking: SELECT`,
          `${allocated} > booking: INSERT`,
          `${processed} > notification: INSERT`,
          `${processed} > notification: send notification`,
        ]),
      );
      expect(paths().filter((path) => !path.startsWith(root))).toEqual([]);
    }, SOON);
    const [first] = spans().filter(({ name }) => name === 'BookSeats');
    expect(first && textOf(first, 'outcome')).toBe('OK');
    expect(first && textOf(first, 'request.id')).toBe(requestId);
  });
});

it('a client cannot request a trace', async () => {
  const receiver = await startTraceReceiver();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_TRACES_SAMPLER_ARG: '0' };
  const system = await startTestSystem({ env });
  try {
    const ada = await signUp(system.graphqlUrl);
    const traceparent = `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
    await ask(system, traceparent, ada, { query: '{ events { nodes { id name availableSeats } } }' });
  } finally {
    // A stopping service exports its last spans.
    await system.stop();
    await receiver.stop();
  }
  expect(receiver.spans()).toEqual([]);
});

async function ask({ graphqlUrl }: TestSystem, traceparent: string, { accessToken }: Client, operation: object) {
  const response = await fetch(graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${accessToken}`, traceparent },
    body: JSON.stringify(operation),
  });
  expect(await response.json()).not.toHaveProperty('errors');
  return { requestId: response.headers.get('x-request-id') };
}
