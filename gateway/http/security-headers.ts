import type { FastifyHelmetOptions } from '@fastify/helmet';

const HALF_A_YEAR_S = 15_552_000;

/**
 * The headers of an API: browsers must not frame, sniff or execute its responses. The development pages set their own
 * policies.
 */
export const SECURITY_HEADERS: FastifyHelmetOptions = {
  contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
  // The gateway cannot know whether all subdomains of its host support HTTPS.
  strictTransportSecurity: { maxAge: HALF_A_YEAR_S, includeSubDomains: false },
  xFrameOptions: { action: 'deny' },
};
