import { timingSafeEqual } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import { createLocalJWKSet, decodeJwt, errors, type JSONWebKeySet, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { unauthenticated } from '../errors/errors.ts';

export type Role = 'USER' | 'ADMIN';

/** The user who makes a request, identified by the access token. */
export interface Caller {
  readonly userId: string;
  readonly role: Role;
  /** The session that the access token belongs to. Tokens of the release before have none. */
  readonly sessionId?: string;
}

/** The input of a command, its caller, and the id of the client's request. */
export interface CommandRequest<Input> {
  readonly caller: Caller;
  readonly requestId: string;
  readonly input: Input;
}

/** Returns the caller of an Authorization header; null without a header. @throws UNAUTHENTICATED for a bad token */
export type Authenticate = (authorization: string | undefined) => Promise<Caller | null>;

const CACHED_TOKENS_MAX = 10_000;

/** Verifies access tokens: EdDSA signature, issuer, audience and time. A valid token is cached until it expires. */
export function createAuthenticator({
  publicKeys,
  issuer,
  audience,
}: {
  publicKeys: JSONWebKeySet;
  issuer: string;
  audience: string;
}): Authenticate {
  const keys = createLocalJWKSet(publicKeys);
  const callers = new LRUCache<string, { caller: Caller; expiresAtMs: number }>({ max: CACHED_TOKENS_MAX });

  return async (authorization) => {
    if (authorization === undefined) return null;
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization)?.[1];
    if (token === undefined) throw unauthenticated();
    const known = callers.get(token);
    if (known !== undefined && known.expiresAtMs > Date.now()) return known.caller;
    try {
      const options = { algorithms: ['EdDSA'], issuer, audience, requiredClaims: ['sub', 'exp', 'role'] };
      const { payload } = await jwtVerify(token, keys, options);
      const caller: Caller = {
        userId: String(payload.sub),
        role: payload.role === 'ADMIN' ? 'ADMIN' : 'USER',
        ...(typeof payload.sid === 'string' && { sessionId: payload.sid }),
      };
      callers.set(token, { caller, expiresAtMs: Number(payload.exp) * 1_000 });
      return caller;
    } catch (error) {
      if (error instanceof errors.JOSEError) throw unauthenticated();
      throw error;
    }
  };
}

/** Returns when a verified Authorization header expires, on the clock of Date.now(). Without a header it is never. */
export function expiryOf(authorization: string | undefined): number {
  if (authorization === undefined) return Number.POSITIVE_INFINITY;
  return Number(decodeJwt(authorization.replace(/^Bearer /i, '')).exp) * 1_000;
}

/** Returns the caller. @throws UNAUTHENTICATED when it is null */
export function requireCaller(caller: Caller | null): Caller {
  if (caller === null) throw unauthenticated();
  return caller;
}

/** True if the caller is an admin or the user with this id. */
export const isSelfOrAdmin = (caller: Caller | null, userId: string | null): boolean =>
  caller !== null && (caller.role === 'ADMIN' || caller.userId === userId);

/** The header with the secret that authenticates the gateway to a subgraph. */
export const GATEWAY_PROOF_HEADER = 'x-gateway-proof';
/** The header in which the gateway sends the client's address to a subgraph, in the form of clientAddressOf. */
export const CLIENT_ADDRESS_HEADER = 'x-client-address';

/** True if the header contains one of the accepted secrets. Takes constant time, against timing attacks. */
export function isGatewayProof(header: unknown, accepted: readonly string[]): boolean {
  if (typeof header !== 'string') return false;
  const given = Buffer.from(header);
  return accepted
    .map((secret) => Buffer.from(secret))
    .map((secret) => timingSafeEqual(secret, given.length === secret.length ? given : Buffer.alloc(secret.length)))
    .includes(true);
}

/**
 * The address under which rate limits count a client: an IPv4 address, or a /64 network for IPv6, in which a client can
 * choose any address. All values that are not addresses count as one client, 'unknown', so that no client can avoid the
 * limits with invented values.
 */
export function clientAddressOf(ip: string): string {
  if (!ipaddr.isValid(ip)) return 'unknown';
  const address = ipaddr.process(ip);
  if (!(address instanceof ipaddr.IPv6)) return address.toString();
  const network = address.parts.slice(0, 4).map((part) => part.toString(16));
  return `${network.join(':')}::/64`;
}
