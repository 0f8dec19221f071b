import { forbidden } from '#platform/errors.ts';
import { type Caller, requireCaller } from '#platform/identity.ts';

/** @throws UNAUTHENTICATED without a caller, FORBIDDEN for one who is not an admin */
export function requireAdmin(caller: Caller | null): void {
  if (requireCaller(caller).role !== 'ADMIN') throw forbidden();
}
