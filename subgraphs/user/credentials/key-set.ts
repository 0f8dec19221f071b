import type { FastifyInstance } from 'fastify';
import type { JSONWebKeySet } from 'jose';

const MAX_AGE_S = 300;

/** Serves the keys that verify access tokens at GET /.well-known/jwks.json, without authentication (RFC 7517). */
export function serveKeySet(http: FastifyInstance, publicKeys: JSONWebKeySet): void {
  http.get('/.well-known/jwks.json', async (_request, reply) =>
    reply
      .header('cache-control', `public, max-age=${MAX_AGE_S}`)
      .type('application/jwk-set+json')
      .send(JSON.stringify(publicKeys)),
  );
}
