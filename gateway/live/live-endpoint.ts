import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApolloAnswer, ApolloRequest } from '#platform/graphql/apollo-handler.ts';
import { expiryOf } from '#platform/identity/identity.ts';
import type { Logger } from '#platform/process/logger.ts';
import type { LiveSettings } from '../config.ts';
import type { AdmittedSubscription, GatewayContext } from '../context.ts';
import type { Listeners } from './listeners.ts';
import { policy } from './policy.ts';
import { inOneStream, type Protocol, protocolOf } from './protocols.ts';
import { createStream, type EndReason, type Stream } from './stream.ts';
import { createStreamLimits } from './stream-limits.ts';

/** The code of a request that is no GraphQL operation, or that a foreign web page may have sent. */
const BAD_REQUEST = '"code":"BAD_REQUEST"';
const JSON_TYPE = 'application/json';
const ACCEPTS_JSON = /[/+]json|\*\/\*/i;
/** The headers with which Apollo Server accepts a GET request: a foreign web page cannot send them. */
const PREFLIGHT_HEADERS = ['apollo-require-preflight', 'x-apollo-operation-name'];

/**
 * Creates a handler for requests that accept a stream. Apollo Server admits a subscription like any other operation,
 * with all limits. Then the stream is opened. Other operations are answered as usual, but in one stream if the client
 * accepts nothing else. Returns undefined for a request that accepts no stream.
 */
export function createLiveEndpoint({
  listeners,
  settings,
  ask,
  readContext,
  refuse,
  observe,
  logger,
}: {
  listeners: Listeners;
  settings: LiveSettings;
  ask: (request: ApolloRequest, readContext: () => Promise<GatewayContext>) => Promise<ApolloAnswer>;
  readContext: (request: FastifyRequest, reply: FastifyReply) => Promise<GatewayContext>;
  refuse: (request: FastifyRequest, reply: FastifyReply, refusal: unknown) => Promise<string>;
  /** Counts the operation when its stream begins. */
  observe: (request: FastifyRequest, reply: FastifyReply) => void;
  logger: Logger;
}) {
  const limits = createStreamLimits(settings);

  /** Returns undefined when the client is gone. */
  function openStream(
    request: FastifyRequest,
    reply: FastifyReply,
    {
      protocol,
      context: { caller, authorization, details },
      field,
      giveBack,
      leave,
    }: {
      protocol: Protocol;
      context: GatewayContext;
      field: string;
      giveBack: () => void;
      leave: (reason: EndReason) => void;
    },
  ): Stream | undefined {
    const { raw } = reply;
    if (raw.destroyed) {
      giveBack();
      return undefined;
    }
    reply.hijack();
    raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': protocol.contentType,
      'cache-control': 'no-store',
      'x-request-id': request.id,
      // Otherwise nginx, such as the ingress controller, would hold the parts back.
      'x-accel-buffering': 'no',
    });
    observe(request, reply);
    const { id: requestId } = request;
    const about = { requestId, subscription: field, operation: details.operation, callerId: caller?.userId };
    const openedAtMs = performance.now();
    return createStream({
      raw,
      protocol,
      settings,
      expiresAtMs: expiryOf(authorization),
      onEnd(reason) {
        giveBack();
        leave(reason);
        logger.info({ ...about, reason, durationMs: performance.now() - openedAtMs }, 'stream ended');
      },
    });
  }

  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | string | undefined> => {
    const protocol = protocolOf(request.headers.accept);
    if (protocol === undefined) return undefined;
    let subscription: AdmittedSubscription | undefined;
    let context: GatewayContext | undefined;
    const answer = await ask(asPost(request), async () => {
      context = {
        ...(await readContext(request, reply)),
        isReadOnly: request.method === 'GET',
        openStream: (admitted) => {
          subscription = admitted;
        },
      };
      return context;
    });
    if (subscription === undefined || context === undefined) return answerOnce(request, reply, { answer, protocol });

    const { field, args } = subscription;
    let giveBack: () => void;
    try {
      policy.Subscription?.[field]?.(undefined as never, context, args as never);
      giveBack = limits.take(context.clientAddress, context.caller?.userId);
    } catch (refusal) {
      return refuse(request, reply, refusal);
    }
    const opening = { protocol, giveBack, field, context };
    await listeners.add(subscription, context, (leave) => openStream(request, reply, { ...opening, leave }));
    return reply;
  };
}

/**
 * Answers an operation that is no subscription, or that was refused. If the client accepts only Server-Sent Events, an
 * answer and the errors of an invalid operation come as a stream. Other refusals are JSON, with their status.
 */
function answerOnce(
  { headers: { accept = '' } }: FastifyRequest,
  reply: FastifyReply,
  { answer: { status, headers, text }, protocol }: { answer: ApolloAnswer; protocol: Protocol },
): string {
  reply.code(status).headers(headers);
  const isResult = status === 200 || (status === 400 && !text.includes(BAD_REQUEST));
  if (protocol.name !== 'sse' || ACCEPTS_JSON.test(accept) || !isResult) return text;
  reply.code(200).type(protocol.contentType);
  return inOneStream(text.trimEnd());
}

/**
 * Returns the request in the form in which Apollo Server admits subscriptions: with a JSON answer, and a GET request as
 * a POST request. A GET request that a foreign web page could send stays as it is, and is refused.
 */
function asPost({ method, headers: given, url, body }: FastifyRequest): ApolloRequest {
  const { accept = '' } = given;
  const headers = { ...given, accept: ACCEPTS_JSON.test(accept) ? accept : JSON_TYPE };
  const isOwn = given['content-type'] !== undefined || PREFLIGHT_HEADERS.some((name) => given[name]);
  if (method !== 'GET' || !isOwn) return { method, headers, url, body };
  const parameters = new URLSearchParams(url.slice(url.indexOf('?') + 1));
  try {
    const { variables, extensions, ...texts } = Object.fromEntries(parameters);
    const parsed = {
      ...(variables && { variables: JSON.parse(variables) }),
      ...(extensions && { extensions: JSON.parse(extensions) }),
    };
    return {
      method: 'POST',
      headers: { ...headers, 'content-type': JSON_TYPE },
      url: '/graphql',
      body: { ...texts, ...parsed },
    };
  } catch {
    return { method, headers, url, body };
  }
}
