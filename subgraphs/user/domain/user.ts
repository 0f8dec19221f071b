import type { Role } from '#platform/identity/identity.ts';

/** A user account, without its credentials. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly role: Role;
  readonly createdAt: Date;
  /** When the user showed that they receive mail at their e-mail. */
  readonly emailVerifiedAt: Date | null;
  /** When the account was deleted. Its name and e-mail are then placeholders. */
  readonly deletedAt: Date | null;
}
