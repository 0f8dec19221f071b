import type { Prisma, PrismaClient } from '../generated/prisma/client.ts';

export type NotificationDatabase = PrismaClient;
export type NotificationTransaction = Prisma.TransactionClient;
