import helmet, { type FastifyHelmetOptions } from '@fastify/helmet';
import fastify, { type FastifyInstance } from 'fastify';

const HALF_A_YEAR_S = 15_552_000;

/**
 * The headers of an API: browsers must not frame, sniff or execute its responses. The development pages set their own
 * policies.
 */
const SECURITY_HEADERS: FastifyHelmetOptions = {
  contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
  // The gateway cannot know whether all subdomains of its host support HTTPS.
  strictTransportSecurity: { maxAge: HALF_A_YEAR_S, includeSubDomains: false },
  xFrameOptions: { action: 'deny' },
};

const OWN_HEADERS: ReadonlySet<string> = new Set(['connection', 'content-length', 'content-type', 'date']);

/** Adds the headers of helmet to every answer. They are constant, so helmet computes them only once. */
export async function addSecurityHeaders(http: FastifyInstance): Promise<void> {
  const model = fastify();
  await model.register(helmet, SECURITY_HEADERS);
  model.get('/', async () => '');
  const { headers } = await model.inject('/');
  const constant = Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN_HEADERS.has(name)));
  http.addHook('onRequest', (_request, reply, done) => {
    reply.headers(constant);
    done();
  });
}
