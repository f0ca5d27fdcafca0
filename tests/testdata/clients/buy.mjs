// What a client does whose person is asked before a purchase: it shows them the
// question, gives their answer back and prints what the shop says to that.

export async function buy({ client, transport, onAsk }, said) {
  onAsk((question) => {
    console.log(question.message);
    return said === 'decline' ? { action: said } : { action: 'accept', content: { buy: said } };
  });
  await client.connect(transport);
  const call = async (name, args) => {
    const result = await client.callTool({ name, arguments: args });
    console.log(result.content[0].text);
  };
  await call('clear_cart', {});
  await call('add_to_cart', { product: 'catnip-mouse', quantity: 2 });
  await call('checkout', {});
  await call('checkout', {});
  await client.close();
}
