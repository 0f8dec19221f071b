import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/**
 * A real SMTP server in this process that keeps every mail it takes. It offers neither TLS nor accounts; `options`
 * change that, and how it behaves. `port` is that of one that was there before.
 */
export async function startMailServer({ port: ownPort = 0, ...options }: SMTPServerOptions & { port?: number } = {}) {
  const mails: Email[] = [];
  const server = new SMTPServer({
    hideSTARTTLS: true,
    allowInsecureAuth: true,
    authOptional: true,
    disableReverseLookup: true,
    closeTimeout: 1,
    logger: false,
    onData(stream, _session, done) {
      buffer(stream)
        .then((raw) => PostalMime.parse(raw))
        .then((mail) => mails.push(mail))
        .then(() => done(), done);
    },
    ...options,
  });
  // A client that leaves in the middle is no failure of the tests'.
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(ownPort, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    host: '127.0.0.1',
    port,
    url: `smtp://127.0.0.1:${port}`,
    mails,
    connections: () => server.connections.size,
    stop: () => new Promise<void>((resolve) => server.close(resolve)),
  };
}

/** The answer of a server that refuses, by its SMTP code: 4xx for now, 5xx for good. */
export const refusal = (responseCode: number, message: string): Error =>
  Object.assign(new Error(message), { responseCode });
