import { setTimeout as delay } from 'node:timers/promises';
import {
  connect,
  ErrorCode,
  Events,
  type JetStreamClient,
  type JetStreamManager,
  type Msg,
  type NatsConnection,
  type Subscription,
} from 'nats';
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

/** Receives messages while they are published. See `tap`. */
export interface Tap {
  readonly subjects: readonly string[];
  onMessage(subject: string, body: Uint8Array): void;
  /** Called when messages begin to arrive, and when they stop because the connection is lost. */
  onChange(): void;
}

/**
 * Keeps a connection to NATS and reopens it without limit, even after a refused password, an invalid certificate, an
 * unknown host name, and after the library has closed the connection permanently. Each reason is logged once until the
 * connection works again, not once per attempt.
 */
export function keepConnected({ address, name, logger }: { address: BrokerAddress; name: string; logger: Logger }) {
  const options = {
    ...brokerConnection(address),
    name,
    // After the first connection the library itself reconnects, without limit.
    maxReconnectAttempts: -1,
    // Otherwise the library closes the connection permanently when the same password is refused twice.
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: RECONNECT_MS,
    reconnectJitter: RECONNECT_JITTER_MS,
    reconnectJitterTLS: RECONNECT_JITTER_MS,
    timeout: REQUEST_TIMEOUT_MS,
    // A hanging server is detected after two unanswered pings, in about 10 s.
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: 2,
    // Otherwise the library captures a stack trace for every request, including every publication.
    noAsyncTraces: true,
  };
  const closing = new AbortController();
  const reasonsLogged = new Set<string>();
  let connection: NatsConnection | undefined;
  let jetStream = Promise.withResolvers<JetStream>();
  let isUp = false;
  const taps = new Map<Tap, Subscription[]>();

  function logOnce(reason: string): void {
    if (reasonsLogged.has(reason) || closing.signal.aborted) return;
    reasonsLogged.add(reason);
    logger.warn({ reason }, 'the broker cannot be used; retrying');
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

  /** Resolves when the connection has been closed permanently. @throws when the first attempt to connect fails */
  async function open(): Promise<void> {
    const opened = await connect(options);
    if (closing.signal.aborted) return opened.close();
    connection = opened;
    for (const tap of taps.keys()) void attach(tap, opened);
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

  /** The library subscribes again when it reconnects, but not when it has closed the connection permanently. */
  async function attach(tap: Tap, opened: NatsConnection): Promise<void> {
    const callback = (error: Error | null, message: Msg) => {
      if (error) logOnce(reasonOf(error));
      else tap.onMessage(message.subject, message.data);
    };
    taps.set(
      tap,
      tap.subjects.map((subject) => opened.subscribe(subject, { callback })),
    );
    // Afterwards the server knows the subscriptions. If the connection is lost meanwhile, the next one is reported.
    await opened.flush().then(tap.onChange, () => undefined);
  }

  function setUp(value: boolean): void {
    if (isUp === value) return;
    isUp = value;
    for (const tap of taps.keys()) tap.onChange();
    if (value) reasonsLogged.clear();
    if (closing.signal.aborted) return;
    if (value) logger.info('broker connected');
    else logger.warn('broker disconnected');
  }
  void keepOpen();

  return {
    isConnected: () => isUp,
    /**
     * Receives the messages of some subjects while they are published, without acknowledgement. Messages that are
     * published while the connection is down are lost. Returns a function that ends it.
     */
    tap(tap: Tap): () => void {
      taps.set(tap, []);
      if (connection !== undefined && !connection.isClosed()) void attach(tap, connection);
      return () => {
        for (const subscription of taps.get(tap) ?? []) subscription.unsubscribe();
        taps.delete(tap);
      };
    },
    /** The server of the current or last connection, without its address. */
    server() {
      const { server_name, version, cluster } = connection?.info ?? {};
      return { server_name, version, cluster };
    },
    /** Returns JetStream on the current connection. Waits for a connection without limit. */
    jetStream: () => jetStream.promise,
    async close(): Promise<void> {
      closing.abort();
      // drain() waits for the server, so it is used only while the connection is up.
      await (isUp ? connection?.drain() : connection?.close());
    },
  };
}

/** Returns the error code of the library, the system or TLS. Returns the message if there is no code. */
function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: string };
  return String(code ?? message ?? error);
}

/** Permission errors belong to one subject. The caller that used the subject gets the error. */
const isAboutPermissions = (code: unknown): boolean => code === ErrorCode.PermissionsViolation;
