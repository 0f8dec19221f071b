import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A request as the receiver got it. */
export interface ReceivedWebhook {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What the receiver answers. `hang` answers nothing until the receiver stops. */
export type WebhookReply = { status: number; headers?: Record<string, string>; body?: string } | 'hang';

/** Starts an HTTP server that keeps every request and answers with `reply`, which a test may replace. */
export async function startWebhookReceiver(
  reply: (received: ReceivedWebhook) => WebhookReply = () => ({ status: 204 }),
) {
  const received: ReceivedWebhook[] = [];
  const receiver = { reply };
  const server = createServer(async (request, response) => {
    const one = { path: request.url ?? '', headers: request.headers, body: await text(request) };
    received.push(one);
    const answer = receiver.reply(one);
    if (answer !== 'hang') response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(receiver, {
    port,
    url: `http://127.0.0.1:${port}/webhooks`,
    received,
    stop() {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  });
}
