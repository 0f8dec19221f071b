import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const ATTEMPT_MS = 1_000;
const PAUSE_MS = 25;

/** The sign that a server is ready: the text that it sends on a new connection, or its answer to `send`. */
export interface Greeting {
  port: number;
  send?: string;
  expect: RegExp;
}

/** Resolves to true when the server sends the expected text, and to false after timeoutMs or when isGivenUp is true. */
export async function waitForGreeting(greeting: Greeting, timeoutMs: number, isGivenUp: () => boolean) {
  const giveUpAtMs = Date.now() + timeoutMs;
  while (Date.now() < giveUpAtMs && !isGivenUp()) {
    if (await greets(greeting)) return true;
    await delay(PAUSE_MS);
  }
  return false;
}

function greets({ port, send, expect }: Greeting): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let said = '';
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(ATTEMPT_MS, () => end(false));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    if (send !== undefined) socket.write(send);
    socket.on('data', (chunk) => {
      said += chunk.toString('latin1');
      if (expect.test(said)) end(true);
    });
  });
}
