import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { BATCH_PATH } from '../clients/operation-batch.ts';
import { clientSignal } from '../http/client-signal.ts';
import { requestIdOf } from '../http/http-server.ts';
import { type AnswerOperation, logLevelOf, operationFrom } from './subgraph-operation.ts';

const batch = z.array(z.looseObject({ id: z.int(), headers: z.record(z.string(), z.string()) }));
const GRAPHQL_HEADERS = { 'content-type': 'application/json' };

/**
 * Serves batches of operations at `path`/batch. Each operation is answered as soon as it is ready, in a line with its
 * id, a space, and the JSON of its answer. Each operation is logged and measured as a separate request.
 */
export function serveBatches(
  http: FastifyInstance,
  {
    path,
    requireProof,
    answer,
  }: {
    path: string;
    requireProof: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
    answer: AnswerOperation;
  },
): void {
  http.post(path + BATCH_PATH, { onRequest: requireProof, config: { isBatch: true } }, async (request, reply) => {
    const operations = batch.safeParse(request.body);
    if (!operations.success)
      return reply.code(400).send({ errors: [{ message: 'The body is not a batch of operations.' }] });
    const callerSignal = clientSignal(reply);
    const lines = createLineStream(operations.data.length);
    for (const { id, headers, ...body } of operations.data) {
      const startedAtMs = performance.now();
      const requestId = requestIdOf(headers['x-request-id']);
      const finish = (status: number, text: string) => {
        const durationMs = performance.now() - startedAtMs;
        const level = logLevelOf(body.query, { status, text });
        http.observe({ requestId, method: 'POST', path, status, durationMs, level });
        lines.push(`${id} ${text.trimEnd()}\n`);
      };
      const graphqlRequest = { method: 'POST', headers: GRAPHQL_HEADERS, url: path, body };
      answer(operationFrom(headers, { http: graphqlRequest, requestId, ip: request.ip, callerSignal })).then(
        ({ status, text }) => finish(status, text),
        (error: unknown) => {
          http.log.error({ err: error, requestId }, 'an operation of a batch failed');
          finish(500, '{}');
        },
      );
    }
    return reply.type('application/x-ndjson').send(lines.stream);
  });
}

/** Creates a stream that ends after `count` lines. Lines of one turn of the event loop are written together. */
function createLineStream(count: number): { stream: Readable; push(line: string): void } {
  const stream = new Readable({ read: () => undefined });
  let [ready, left] = ['', count];
  const flush = () => {
    stream.push(ready);
    ready = '';
    if (left === 0) stream.push(null);
  };
  if (count === 0) stream.push(null);
  return {
    stream,
    push(line) {
      if (ready === '') setImmediate(flush);
      ready += line;
      left -= 1;
    },
  };
}
