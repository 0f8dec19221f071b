import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LocalError } from '#scripts/local/settings.ts';

/** Starts a service with an inspector on a free port. The service writes the port to its log. */
export const INSPECTED = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

export interface HeapSize {
  readonly usedBytes: number;
  readonly rssBytes: number;
}

export interface Inspector {
  /** Collects garbage, and returns the size of the rest. */
  measureHeap(): Promise<HeapSize>;
  close(): void;
}

interface Reply {
  readonly id: number;
  readonly result: { readonly usedSize?: number; readonly result?: { readonly value: number } };
}

/** Connects to the inspector of a service by the address in its log. */
export async function inspect(name: string, dataDir: string): Promise<Inspector> {
  const log = readFileSync(join(dataDir, 'logs', `${name}.log`), 'utf8');
  const url = /Debugger listening on (ws:\S+)/.exec(log)?.[1];
  if (url === undefined) throw new LocalError(`The log of ${name} does not contain the address of its inspector.`);
  const socket = new WebSocket(url);
  const waiting = new Map<number, (result: Reply['result']) => void>();
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as Reply;
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', () => reject(new LocalError(`The inspector of ${name} does not answer.`)));
  });
  let sent = 0;
  const send = (method: string, params: object = {}): Promise<Reply['result']> =>
    new Promise((resolve) => {
      sent += 1;
      waiting.set(sent, resolve);
      socket.send(JSON.stringify({ id: sent, method, params }));
    });
  return {
    async measureHeap() {
      await send('HeapProfiler.collectGarbage');
      const { usedSize = Number.NaN } = await send('Runtime.getHeapUsage');
      const { result } = await send('Runtime.evaluate', { expression: 'process.memoryUsage.rss()' });
      return { usedBytes: usedSize, rssBytes: result?.value ?? Number.NaN };
    },
    close: () => socket.close(),
  };
}
