import { prismaConfig } from '../prisma-config.ts';

export default prismaConfig('user');
