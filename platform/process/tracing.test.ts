import { expect, it } from 'vitest';
import { inSpan, startSpan, startTrace } from './tracing.ts';

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

it('without tracing, the client’s trace context is passed on unchanged', async () => {
  const { traceparent } = startTrace('operation', TRACE);
  expect(traceparent).toBe(TRACE);
  await inSpan('step', traceparent, {}, async (step) => expect(step.traceparent).toBe(TRACE));
});

it.each([
  'text',
  TRACE.toUpperCase(),
  TRACE.replace('00-', 'ff-'),
  TRACE.replace('0af7651916cd43dd8448eb211c80319c', '0'.repeat(32)),
  TRACE.replace('b7ad6b7169203331', '0'.repeat(16)),
  `${TRACE}-1`,
])('a context that is not valid in W3C Trace Context is dropped: %s', (header) => {
  expect(startTrace('operation', header).traceparent).toBeUndefined();
  expect(startSpan('step', header).traceparent).toBeUndefined();
});

it('the error of a step is thrown', async () => {
  const error = new Error('the step failed');
  await expect(inSpan('step', TRACE, {}, () => Promise.reject(error))).rejects.toBe(error);
});
