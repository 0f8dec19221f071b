import { refusal, startMailServer } from '../support/mail-server.ts';

/** A mail server that refuses every recipient for good while `isRefusing`, and that can be stopped and started. */
export async function startMailbox() {
  let isRefusing = false;
  const options = {
    onRcptTo: (_address: unknown, _session: unknown, done: (error?: Error) => void) =>
      done(isRefusing ? refusal(550, 'no such mailbox') : undefined),
  };
  let server = await startMailServer(options);
  const { port, url } = server;
  return {
    url,
    refuse(value: boolean) {
      isRefusing = value;
    },
    async start() {
      server = await startMailServer({ ...options, port });
    },
    stop: () => server.stop(),
  };
}

export type Mailbox = Awaited<ReturnType<typeof startMailbox>>;
