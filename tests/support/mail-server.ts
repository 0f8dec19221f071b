import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/**
 * Starts a real SMTP server in this process that keeps every accepted mail. It offers neither TLS nor accounts unless
 * `options` change that. `port` is for a server that replaces an earlier one. The default is a free port.
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
  // A client that disconnects early must not fail the test.
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

/** Creates the error with which a mail server refuses. The SMTP code is 4xx (temporary) or 5xx (permanent). */
export const refusal = (responseCode: number, message: string): Error =>
  Object.assign(new Error(message), { responseCode });
