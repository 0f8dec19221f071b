import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { bulkhead } from 'cockatiel';
import type { ExecutionResult } from 'graphql';
import type { Registry } from 'prom-client';
import { unauthenticated } from '#platform/errors/errors.ts';
import { createResponseText, type FormatError } from '#platform/graphql/response-text.ts';
import type { Broker } from '#platform/messaging/broker.ts';
import type { GatewayConfig } from '../config.ts';
import type { AdmittedSubscription, BookingChange, GatewayContext } from '../context.ts';
import { toGraphQLError } from '../execution/query-plan.ts';
import { type Change, createChanges } from './changes.ts';
import { type Answer, createChangeGroup, createStateGroup, type Group } from './groups.ts';
import { createLiveMetrics } from './live-metrics.ts';
import { createFrame, type EndReason, type Stream } from './stream.ts';

/** The executions at a time. Further ones wait. */
const EXECUTIONS_MAX = 32;
/** The streams that are written in one turn of the event loop, so that requests do not wait for all of them. */
const WRITES_PER_TURN = 50;
/** The share of its time that a process may spend on writing to the listeners of an event, and the longest pause for it. */
const WRITING_SHARE_MAX = 0.05;
const WRITING_PAUSE_MAX_MS = 10_000;
/** Answers for one caller alone come at most once in this time. */
const PRIVATE_INTERVAL_MS = 1_000;
/** Processes of the event subgraph may serve the facts of a changed event for this time, see decision 0025. */
const FACTS_SETTLE_MS = 1_100;
/** Each event is looked at again after this time: a changed capacity has no message. */
const LOOK_AGAIN_MS = 30_000;
const LOOKS_PER_SECOND_MAX = 50;
const CHECK_INTERVAL_MS = 1_000;

export type Listeners = ReturnType<typeof createListeners>;

type Identity = Pick<GatewayContext, 'caller' | 'authorization' | 'clientAddress' | 'requestId'>;
/** The identity is that of the listener who came last, because their token expires last. */
type ListenerGroup = Group<Stream> & { identity: Identity };

/**
 * Answers the subscriptions of this process. Listeners who ask the same and may see the same share a group, and each
 * answer of a group is executed once: without a caller if all fields are public, otherwise as the caller.
 */
export function createListeners({
  broker,
  config,
  formatError,
  metrics,
}: {
  broker: Pick<Broker, 'tap' | 'isConnected'>;
  config: GatewayConfig;
  formatError: FormatError;
  metrics: Registry;
}) {
  const measured = createLiveMetrics(metrics);
  const textOf = createResponseText(formatError);
  const executions = bulkhead(EXECUTIONS_MAX, Number.POSITIVE_INFINITY);
  /**
   * All streams, and when each must be checked, on the clock of Date.now(). Checking 10,000 of them every second would
   * take 5 % of a core.
   */
  const streams = new Map<Stream, number>();
  const groups = new Map<string, ListenerGroup>();
  /** The groups by what they follow: an event or a user. */
  const followers = new Map<string, Set<ListenerGroup>>();
  let isStopping = false;
  const changes = createChanges({ broker, onChange: tell, onInterruption: tellAll });

  const follow = (name: string, change?: BookingChange) => {
    for (const group of followers.get(name) ?? []) group.changed(change);
  };
  function tell({ eventId, booking }: Change): void {
    follow(`event ${eventId}`);
    if (booking === undefined) setTimeout(follow, FACTS_SETTLE_MS, `event ${eventId}`).unref();
    else follow(`user ${booking.userId}`, booking);
  }
  function tellAll(): void {
    for (const group of groups.values()) group.changed();
  }

  /** With many listeners the time between two answers grows, so that bookings keep their share of the processor. */
  const intervalMs = (isPublic: boolean) =>
    Math.max(
      isPublic ? config.LIVE_INTERVAL_MS : Math.max(PRIVATE_INTERVAL_MS, config.LIVE_INTERVAL_MS),
      (streams.size / config.LIVE_UPDATES_PER_SECOND_MAX) * 1_000,
    );

  function createGroup({ field, answer, isPublic }: AdmittedSubscription, identity: Identity): ListenerGroup {
    async function answerOnce(change?: BookingChange): Promise<Answer> {
      measured.executions.inc({ subscription: field });
      const context = contextOf(group.identity, { isPublic, change, timeoutMs: config.OPERATION_TIMEOUT_MS });
      const result = await executions
        .execute(() => answer(context))
        .catch((error): ExecutionResult => ({ errors: [toGraphQLError(error)] }));
      const isIncomplete = result.errors?.some(({ extensions }) => extensions.code === 'SERVICE_UNAVAILABLE') ?? false;
      const json = textOf(result as Parameters<typeof textOf>[0]).trimEnd();
      return { json: broker.isConnected() ? json : `${json.slice(0, -1)},"extensions":{"paused":true}}`, isIncomplete };
    }
    /** The time that it took to write to all listeners. It grows when other work keeps the processor busy. */
    let writingMs = 0;
    async function deliver(json: string, listeners: Iterable<Stream>): Promise<void> {
      const frame = createFrame(json);
      let [written, spentMs, beganAtMs] = [0, 0, performance.now()];
      async function pause(): Promise<void> {
        // Node.js sends what a turn has written in its next tick. That takes most of the time.
        await new Promise<void>((resolve) => process.nextTick(resolve));
        spentMs += performance.now() - beganAtMs;
        await nextTurn();
        beganAtMs = performance.now();
      }
      for (const stream of listeners) {
        stream.send(frame);
        written += 1;
        if (written % WRITES_PER_TURN === 0) await pause();
      }
      await pause();
      if (written > group.listeners.size / 2) writingMs = spentMs;
      measured.updates.inc({ subscription: field }, written);
    }
    const parts = { answer: answerOnce, deliver };
    const created =
      field === 'myBookings'
        ? createChangeGroup(parts)
        : createStateGroup({
            ...parts,
            intervalMs: () =>
              Math.max(intervalMs(isPublic), Math.min(writingMs / WRITING_SHARE_MAX, WRITING_PAUSE_MAX_MS)),
          });
    const group: ListenerGroup = Object.assign(created, { identity });
    return group;
  }

  /** Ends streams that are too old or whose token has expired, and sends heartbeats. */
  const check = setInterval(() => {
    const nowMs = Date.now();
    for (const [stream, dueAtMs] of streams) {
      if (nowMs < dueAtMs) continue;
      const nextAtMs = stream.check(nowMs, expired);
      if (streams.has(stream)) streams.set(stream, nextAtMs);
    }
  }, CHECK_INTERVAL_MS).unref();
  const expired = () => formatError(unauthenticated().toJSON(), unauthenticated());
  let look = setTimeout(lookAgain, LOOK_AGAIN_MS).unref();
  function lookAgain(): void {
    for (const [name, group] of groups) if (!name.startsWith('myBookings')) group.changed();
    look = setTimeout(lookAgain, Math.max(LOOK_AGAIN_MS, (groups.size / LOOKS_PER_SECOND_MAX) * 1_000)).unref();
  }

  return {
    /**
     * Adds a listener when changes arrive. `open` opens its stream, or returns undefined when the client is gone. The
     * stream gets its first answer at once.
     */
    async add(
      subscription: AdmittedSubscription,
      { caller, authorization, clientAddress, requestId }: GatewayContext,
      open: (onEnd: (reason: EndReason) => void) => Stream | undefined,
    ): Promise<void> {
      const { field, key, isPublic, args } = subscription;
      const { userId = '', role = '' } = caller ?? {};
      const name = `${field} ${key} ${isPublic ? '' : `${userId} ${role}`}`;
      const followed = field === 'myBookings' ? `user ${userId}` : `event ${args.eventId}`;
      await changes.hold();
      const stream = open((reason) => {
        streams.delete(stream as Stream);
        measured.streams.dec({ subscription: field });
        measured.ended.inc({ subscription: field, reason });
        changes.release();
        group.remove(stream as Stream);
        if (group.listeners.size > 0) return;
        groups.delete(name);
        followers.get(followed)?.delete(group);
        if (followers.get(followed)?.size === 0) followers.delete(followed);
      });
      if (stream === undefined) return changes.release();
      const identity = { caller, authorization, clientAddress, requestId };
      const group = groups.get(name) ?? createGroup(subscription, identity);
      group.identity = identity;
      groups.set(name, group);
      followers.set(followed, (followers.get(followed) ?? new Set()).add(group));
      streams.set(stream, 0);
      measured.streams.inc({ subscription: field });
      group.add(stream);
      if (isStopping) stream.end('stopping');
    },
    /** Ends all streams completely, so that clients subscribe again. While stopping, also those that open later. */
    endAll(reason: EndReason): void {
      isStopping ||= reason === 'stopping';
      for (const stream of streams.keys()) stream.end(reason);
    },
    stop(): void {
      clearInterval(check);
      clearTimeout(look);
    },
  };
}

/** The context of one execution. For public fields it has nothing of the caller. */
function contextOf(
  { caller, authorization, clientAddress, requestId }: Identity,
  { isPublic, change, timeoutMs }: { isPublic: boolean; change: BookingChange | undefined; timeoutMs: number },
): GatewayContext {
  return {
    caller: isPublic ? null : caller,
    authorization: isPublic ? undefined : authorization,
    clientAddress,
    requestId: isPublic ? randomUUID() : requestId,
    traceparent: undefined,
    deadlineMs: performance.now() + timeoutMs,
    signal: new AbortController().signal,
    details: {},
    ...(change !== undefined && { change }),
  };
}
