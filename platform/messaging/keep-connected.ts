import { setTimeout as delay } from 'node:timers/promises';
import { connect, ErrorCode, Events, type JetStreamClient, type JetStreamManager, type NatsConnection } from 'nats';
import { type BrokerAddress, brokerConnection } from '../connections/nats.ts';
import type { Logger } from '../process/logger.ts';

const REQUEST_TIMEOUT_MS = 2_000;
const RECONNECT_MS = 250;
const RECONNECT_JITTER_MS = 250;
const PING_INTERVAL_MS = 5_000;

interface JetStream {
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
}

/**
 * A connection to NATS that is opened again for ever: also after a refused password, a certificate that does not hold,
 * a name that is not known, and after the library has closed the connection for good. Each reason is logged once until
 * the connection stands again, not once per attempt.
 */
export function keepConnected({ address, name, logger }: { address: BrokerAddress; name: string; logger: Logger }) {
  const options = {
    ...brokerConnection(address),
    name,
    // Once connected, the library reconnects by itself.
    maxReconnectAttempts: -1,
    // Otherwise it closes the connection for good when the same password is refused twice.
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: RECONNECT_MS,
    reconnectJitter: RECONNECT_JITTER_MS,
    reconnectJitterTLS: RECONNECT_JITTER_MS,
    timeout: REQUEST_TIMEOUT_MS,
    // A server that hangs is noticed after two unanswered pings, about 10 s.
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: 2,
    // Otherwise every request, and so every publication, takes a stack trace.
    noAsyncTraces: true,
  };
  const closing = new AbortController();
  const reasonsLogged = new Set<string>();
  let connection: NatsConnection | undefined;
  let jetStream = Promise.withResolvers<JetStream>();
  let isUp = false;

  function logOnce(reason: string): void {
    if (reasonsLogged.has(reason) || closing.signal.aborted) return;
    reasonsLogged.add(reason);
    logger.warn({ reason }, 'the broker cannot be used; connecting is tried until it can');
  }

  async function keepOpen(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await open();
      } catch (error) {
        logOnce(reasonOf(error));
      }
      await delay(RECONNECT_MS + Math.random() * RECONNECT_JITTER_MS, undefined, { signal: closing.signal }).catch(
        () => undefined,
      );
    }
  }

  /** Ends when the connection has been closed for good. @throws when there is none at the first attempt */
  async function open(): Promise<void> {
    const opened = await connect(options);
    if (closing.signal.aborted) return opened.close();
    connection = opened;
    void watch(opened);
    const manager = await opened.jetstreamManager({ checkAPI: false, timeout: REQUEST_TIMEOUT_MS });
    jetStream.resolve({ client: opened.jetstream({ timeout: REQUEST_TIMEOUT_MS }), manager });
    setUp(true);
    await opened.closed();
    setUp(false);
    jetStream = Promise.withResolvers();
  }

  async function watch(opened: NatsConnection): Promise<void> {
    for await (const { type, data } of opened.status()) {
      if (type === Events.Disconnect) setUp(false);
      else if (type === Events.Reconnect) setUp(true);
      else if (type === Events.Error && !isAboutPermissions(data)) logOnce(String(data));
    }
  }

  function setUp(value: boolean): void {
    if (isUp === value) return;
    isUp = value;
    if (value) reasonsLogged.clear();
    if (closing.signal.aborted) return;
    if (value) logger.info('broker connected');
    else logger.warn('broker disconnected');
  }
  void keepOpen();

  return {
    isConnected: () => isUp,
    /** JetStream on the connection that stands; waits for one without limit. */
    jetStream: () => jetStream.promise,
    async close(): Promise<void> {
      closing.abort();
      // Draining waits for the server; without one there is nothing to wait for.
      await (isUp ? connection?.drain() : connection?.close());
    },
  };
}

/** The library's word for what went wrong; that of the system or of TLS where it passes those on. */
function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: string };
  return String(code ?? message ?? error);
}

/** What one subject may not do concerns whoever used it, who is told. */
const isAboutPermissions = (code: unknown): boolean => code === ErrorCode.PermissionsViolation;
