class WebSocketClient {
  constructor(url, options = {}) {
    this.url = url;
    this.options = {
      reconnectAttempts: 10,
      initialReconnectDelay: 1000,
      maxReconnectDelay: 30000,
      ...options
    };
    this.reconnectAttempt = 0;
    this.connect();
  }
  
  connect() {
    this.socket = new WebSocket(this.url);
    
    this.socket.onopen = () => {
      console.log('WebSocket 연결 성공');
      this.reconnectAttempt = 0;
      if (this.options.onOpen) {
        this.options.onOpen();
      }
    };
    
    this.socket.onmessage = (event) => {
      if (this.options.onMessage) {
        this.options.onMessage(event);
      }
    };
    
    this.socket.onclose = () => {
      console.log('WebSocket 연결 종료');
      this.reconnect();
    };
    
    this.socket.onerror = (error) => {
      console.error('WebSocket 오류:', error);
      if (this.options.onError) {
        this.options.onError(error);
      }
    };
  }
  
  reconnect() {
    if (this.reconnectAttempt >= this.options.reconnectAttempts) {
      console.log('최대 재연결 시도 횟수 초과');
      if (this.options.onReconnectFailed) {
        this.options.onReconnectFailed();
      }
      return;
    }
    
    this.reconnectAttempt++;
    const delay = Math.min(
      this.options.initialReconnectDelay * Math.pow(1.5, this.reconnectAttempt - 1),
      this.options.maxReconnectDelay
    );
    
    console.log(`${delay}ms 후 재연결 시도 (${this.reconnectAttempt}/${this.options.reconnectAttempts})`);
    
    setTimeout(() => {
      this.connect();
      if (this.options.onReconnect) {
        this.options.onReconnect(this.reconnectAttempt);
      }
    }, delay);
  }
  
  close() {
    this.socket.close();
  }
}

// 사용 예시
const executionsClient = new WebSocketClient('ws://127.0.0.1:3030/ws/executions', {
  onOpen: () => {
    console.log('체결 스트림 연결 성공');
  },
  onMessage: (event) => {
    const execution = JSON.parse(event.data);
    console.log(`체결 발생: ${execution.symbol} - ${execution.side}, 가격: ${execution.price}`);
  }
});
