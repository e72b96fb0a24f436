const socket = new WebSocket('ws://127.0.0.1:3030/ws/executions');

socket.onopen = () => {
  console.log('체결 스트림에 연결되었습니다.');
};

socket.onmessage = (event) => {
  const execution = JSON.parse(event.data);
  console.log(`체결 발생: ${execution.symbol} - ${execution.side}, 가격: ${execution.price}, 수량: ${execution.quantity}`);
};

socket.onclose = () => {
  console.log('체결 스트림 연결이 종료되었습니다.');
};

socket.onerror = (error) => {
  console.error('WebSocket 오류:', error);
};
