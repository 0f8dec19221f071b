import type { FastifyHelmetOptions } from '@fastify/helmet';

const HALF_A_YEAR_S = 15_552_000;

/** For an API: no answer may be framed, sniffed or run as a page. The development pages bring policies of their own. */
export const SECURITY_HEADERS: FastifyHelmetOptions = {
  contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
  // Other hosts of the domain are not for this one to speak of.
  strictTransportSecurity: { maxAge: HALF_A_YEAR_S, includeSubDomains: false },
  xFrameOptions: { action: 'deny' },
};
