import { timingSafeEqual } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { unauthenticated } from '../errors/errors.ts';

export type Role = 'USER' | 'ADMIN';

/** Who makes a request, proven by its access token. */
export interface Caller {
  readonly userId: string;
  readonly role: Role;
}

/** The caller that an Authorization header proves; null without one. @throws UNAUTHENTICATED for a bad token. */
export type Authenticate = (authorization: string | undefined) => Promise<Caller | null>;

const CACHED_TOKENS_MAX = 10_000;

/** Verifies access tokens: EdDSA only, issuer, audience and time checked. A verdict is remembered until it expires. */
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
      const caller: Caller = { userId: String(payload.sub), role: payload.role === 'ADMIN' ? 'ADMIN' : 'USER' };
      callers.set(token, { caller, expiresAtMs: Number(payload.exp) * 1_000 });
      return caller;
    } catch (error) {
      if (error instanceof errors.JOSEError) throw unauthenticated();
      throw error;
    }
  };
}

/** The caller, where there must be one. @throws UNAUTHENTICATED */
export function requireCaller(caller: Caller | null): Caller {
  if (caller === null) throw unauthenticated();
  return caller;
}

/** True for an admin and for the user with this id. */
export const isSelfOrAdmin = (caller: Caller | null, userId: string | null): boolean =>
  caller !== null && (caller.role === 'ADMIN' || caller.userId === userId);

/** The header in which the gateway proves itself to a subgraph. */
export const GATEWAY_PROOF_HEADER = 'x-gateway-proof';
/** The header in which the gateway tells a subgraph who asks, as rate limits see it. */
export const CLIENT_ADDRESS_HEADER = 'x-client-address';

/** True when the header carries one of the accepted secrets; takes as long for a near miss as for a far one. */
export function isGatewayProof(header: unknown, accepted: readonly string[]): boolean {
  if (typeof header !== 'string') return false;
  const given = Buffer.from(header);
  return accepted
    .map((secret) => Buffer.from(secret))
    .map((secret) => timingSafeEqual(secret, given.length === secret.length ? given : Buffer.alloc(secret.length)))
    .includes(true);
}

/**
 * A client as rate limits see it: an IPv4 address, or the /64 network within which an IPv6 client picks its own. What a
 * proxy writes that is no address counts as one client, lest somebody invent as many as it likes.
 */
export function clientAddressOf(ip: string): string {
  if (!ipaddr.isValid(ip)) return 'unknown';
  const address = ipaddr.process(ip);
  return address instanceof ipaddr.IPv6
    ? `${address.parts
        .slice(0, 4)
        .map((part) => part.toString(16))
        .join(':')}::/64`
    : address.toString();
}
