import net, { type Socket } from 'node:net';

/** Accepts connections on the loopback interface of the kernel. */
export async function listen(
  onConnection: (socket: Socket) => void,
): Promise<{ port: number; close: () => void }> {
  const server = net.createServer({ allowHalfOpen: true }, onConnection);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it listens nowhere');
  return { port: address.port, close: () => server.close() };
}
