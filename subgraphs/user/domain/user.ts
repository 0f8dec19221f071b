import type { Role } from '#platform/identity/identity.ts';

/** A user account, without its credentials. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly role: Role;
  readonly createdAt: Date;
}
