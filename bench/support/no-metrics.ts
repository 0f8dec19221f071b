/** Loaded before a service, this makes its metrics do nothing, so that bench/observability.ts can measure their cost. */
import { Counter, Gauge, Histogram } from 'prom-client';

const nothing = () => undefined;
Object.assign(Counter.prototype, { inc: nothing });
Object.assign(Gauge.prototype, { inc: nothing, dec: nothing, set: nothing });
Object.assign(Histogram.prototype, { observe: nothing });
