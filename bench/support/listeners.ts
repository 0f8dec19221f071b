/**
 * Many listeners of bench/live.ts, in a process of their own. They open their streams when they are told to, and send
 * their number of updates when they are asked. They read as little of HTTP as possible, to take little processor time.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** What to listen to. */
export interface Listening {
  readonly port: number;
  readonly query: string;
  readonly eventId: string;
  readonly count: number;
}

/** What the listeners have received: streams that are open, and answers. */
export interface Heard {
  readonly open: number;
  readonly updates: number;
}

const AT_ONCE = 100;
const NEXT = Buffer.from('event: next');
const sockets = new Set<Socket>();
let updates = 0;

async function listen({ port, query, eventId }: Listening): Promise<void> {
  const body = JSON.stringify({ query, variables: { id: eventId } });
  const head = `POST /graphql HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\naccept: text/event-stream\r\n`;
  const socket = connect(port, '127.0.0.1');
  const first = Promise.withResolvers<void>();
  socket.on('data', (chunk: Buffer) => {
    for (let at = chunk.indexOf(NEXT); at >= 0; at = chunk.indexOf(NEXT, at + NEXT.length)) {
      updates += 1;
      first.resolve();
    }
  });
  socket.once('close', () => sockets.delete(socket));
  socket.once('error', first.reject);
  await once(socket, 'connect');
  sockets.add(socket);
  socket.write(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  await first.promise;
}

process.on('message', async (message: Listening | 'count' | 'close') => {
  if (message === 'close') for (const socket of sockets) socket.destroy();
  else if (message !== 'count') {
    for (let opened = 0; opened < message.count; opened += AT_ONCE) {
      const rest = Math.min(AT_ONCE, message.count - opened);
      await Promise.all(Array.from({ length: rest }, () => listen(message)));
    }
  }
  process.send?.({ open: sockets.size, updates } satisfies Heard);
});
process.on('disconnect', () => process.exit());
