import type { Pool } from 'undici';
import { GATEWAY_PROOF_HEADER } from '../identity/identity.ts';

/** An operation on its way to a server. */
export interface SentOperation {
  readonly query: string;
  readonly variables?: Record<string, unknown> | undefined;
  readonly operationName?: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

export interface OperationAnswer {
  readonly statusCode: number;
  readonly text: string;
}

/**
 * The path of the batch endpoint, below the path of the GraphQL endpoint. The body is a JSON array of operations, each
 * with an `id`. Each answer is a line: the id, a space, and JSON.
 */
export const BATCH_PATH = '/batch';
/** Larger batches save little, and make all callers wait for the same process at the same time. */
const OPERATIONS_MAX = 32;
const BATCH_CHARACTERS_MAX = 512 * 1_024;

/** The connection closed, or the server ended the answer, before every operation of the batch had its answer. */
class IncompleteBatchError extends Error {
  readonly code = 'UND_ERR_SOCKET';
}

interface Waiting {
  readonly headers: SentOperation['headers'];
  /** The JSON of a request of its own. */
  readonly body: string;
  readonly signal: AbortSignal;
  resolve(answer: OperationAnswer): void;
  reject(error: unknown): void;
}

/**
 * Creates a function that sends the operations of one turn of the event loop in one HTTP request. Each operation has
 * its own headers, and its answer arrives as soon as it is ready. A single operation is an ordinary GraphQL request. A
 * server without the batch endpoint, as during an upgrade, gets each operation in a separate request. The answer of an
 * aborted operation is ignored. The request is aborted when all its operations are aborted.
 */
export function createOperationSender({ pool, path, secret }: { pool: Pool; path: string; secret: string }) {
  const waiting: Waiting[] = [];

  function post(to: string, body: string, { headers = {}, signal }: { headers?: object; signal: AbortSignal }) {
    return pool.request({
      path: to,
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', [GATEWAY_PROOF_HEADER]: secret },
      body,
      signal,
    });
  }

  async function sendAlone({ headers, body, signal, resolve, reject }: Waiting): Promise<void> {
    try {
      const answer = await post(path, body, { headers, signal });
      resolve({ statusCode: answer.statusCode, text: await answer.body.text() });
    } catch (error) {
      reject(error);
    }
  }

  async function sendTogether(batch: readonly Waiting[]): Promise<void> {
    const open = new Map(batch.entries());
    const end = new AbortController();
    for (const [id, { signal, reject }] of open) {
      const leave = () => {
        if (!open.delete(id)) return;
        reject(signal.reason);
        if (open.size === 0) end.abort();
      };
      signal.addEventListener('abort', leave, { once: true });
    }
    try {
      const elements = batch.map(
        ({ headers, body }, id) => `{"id":${id},"headers":${JSON.stringify(headers)},${body.slice(1)}`,
      );
      const answer = await post(path + BATCH_PATH, `[${elements}]`, { signal: end.signal });
      if (answer.statusCode !== 200) {
        await answer.body.dump();
        for (const one of open.values()) void sendAlone(one);
        return;
      }
      let text = '';
      for await (const chunk of answer.body.setEncoding('utf8')) {
        const lines = (text + chunk).split('\n');
        text = lines.pop() ?? '';
        for (const line of lines) {
          const space = line.indexOf(' ');
          const id = Number(line.slice(0, space));
          open.get(id)?.resolve({ statusCode: 200, text: line.slice(space + 1) });
          open.delete(id);
        }
      }
      if (open.size > 0) throw new IncompleteBatchError('The answer of a batch ended early.');
    } catch (error) {
      for (const { reject } of open.values()) reject(error);
    }
  }

  function flush(): void {
    let batch: Waiting[] = [];
    let characters = 0;
    const sendBatch = () => {
      const [first] = batch;
      if (first !== undefined) void (batch.length === 1 ? sendAlone(first) : sendTogether(batch));
      batch = [];
      characters = 0;
    };
    for (const one of waiting.splice(0)) {
      if (batch.length === OPERATIONS_MAX || characters + one.body.length > BATCH_CHARACTERS_MAX) sendBatch();
      batch.push(one);
      characters += one.body.length;
    }
    sendBatch();
  }

  return ({ headers, ...operation }: SentOperation, signal: AbortSignal): Promise<OperationAnswer> =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      if (waiting.length === 0) setImmediate(flush);
      waiting.push({ headers, body: JSON.stringify(operation), signal, resolve, reject });
    });
}
