/**
 * node scripts/healthcheck.ts [path]
 *
 * For the engine that runs a container: ends with 0 if the service on PORT answers /health, or another path, with 200.
 */
const [path = '/health'] = process.argv.slice(2);
const { ok } = await fetch(`http://127.0.0.1:${process.env.PORT || 4000}${path}`);
process.exitCode = ok ? 0 : 1;
